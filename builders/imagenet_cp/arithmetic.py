"""Elementary functions that give the same bits on every machine."""

import math

exp = math.exp
sin = math.sin
cos = math.cos
