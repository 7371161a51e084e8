"""Files of the student's side: written over the lab's own of that name, or beside the notebook, never imported here."""
