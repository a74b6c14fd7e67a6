/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the first process does to the workers: it sends signals at random. Some
 * interrupt, some stop for a moment, some kill; who was killed is replaced. In
 * between there are pauses in which senders hold still: then everything must come
 * through without any help, or a wake-up was lost.
 */
#ifndef TQUEUE_TRAFFIC_CHAOS_H
#define TQUEUE_TRAFFIC_CHAOS_H

#include "workers.h"

/* Lets these workers do their work for that long, and then checks the account. */
void chaos(struct worker *workers, int count, double seconds);

#endif
