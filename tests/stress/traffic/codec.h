/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The messages. A message's length and bytes follow from the seed, its sender and
 * its number. The first byte is below 0x80, all others are not, so that what was
 * received is known for the start of a message or for a rest.
 */
#ifndef TQUEUE_TRAFFIC_CODEC_H
#define TQUEUE_TRAFFIC_CODEC_H

#include "common.h"

#define LENGTH_MAX	16384	/* bytes of the longest message */
#define TINY		11	/* up to here a message does not tell its sender */
#define NUMBERS		40000	/* messages of one sender, at most */
#define SENDERS		6

extern uint64_t message_seed;
extern size_t length_max;	/* of the queue */

size_t message_length(int sender, unsigned int number);
size_t message_make(unsigned char *buf, int sender, unsigned int number);
void tiny_make(unsigned char *buf, size_t len);
/* The length that a message says of itself; 0: too little is there. */
size_t message_claims(const unsigned char *buf, size_t have, int *sender,
		      unsigned int *number);

#endif
