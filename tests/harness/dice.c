// SPDX-License-Identifier: GPL-2.0-only
/* See dice.h. */
#include "dice.h"

static uint64_t dice;

void t_dice(uint64_t seed)
{
	dice = seed;
}

unsigned int t_below(unsigned int n)
{
	return random_below(&dice, n);
}
