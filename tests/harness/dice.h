/* SPDX-License-Identifier: GPL-2.0-only */
/* Random numbers that a seed repeats. */
#ifndef TQUEUE_TESTS_DICE_H
#define TQUEUE_TESTS_DICE_H

#include <stdint.h>

/* splitmix64 */
static inline uint64_t mix(uint64_t x)
{
	x += 0x9e3779b97f4a7c15;
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
	x = (x ^ x >> 27) * 0x94d049bb133111eb;
	return x ^ x >> 31;
}

static inline uint64_t random_next(uint64_t *state)
{
	return mix(*state += 0x9e3779b97f4a7c15);
}

static inline unsigned int random_below(uint64_t *state, unsigned int n)
{
	return (random_next(state) >> 32) * n >> 32;
}

/* The dice of a process that has only one. */
void t_dice(uint64_t seed);
unsigned int t_below(unsigned int n);

#endif
