"""Every function of the lab that a student's own can stand in for."""

from labkit.exercises.stage_00 import yours as stage_00
from labkit.exercises.stage_01 import yours as stage_01
from labkit.exercises.stage_02 import yours as stage_02
from labkit.exercises.stage_03 import yours as stage_03
from labkit.exercises.stage_04 import yours as stage_04
from labkit.exercises.stage_05 import yours as stage_05
from labkit.exercises.stage_06 import yours as stage_06
from labkit.exercises.stage_07 import yours as stage_07
from labkit.exercises.stage_08 import yours as stage_08
from labkit.exercises.stage_09 import yours as stage_09

STAND_INS = (
    *(*stage_00.YOURS, *stage_01.YOURS, *stage_02.YOURS, *stage_03.YOURS),
    *(*stage_04.YOURS, *stage_05.YOURS, *stage_06.YOURS, *stage_07.YOURS, *stage_08.YOURS),
    *stage_09.YOURS,
)
