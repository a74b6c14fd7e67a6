// SPDX-License-Identifier: GPL-2.0-only
/* See codec.h. */
#include "codec.h"

uint64_t message_seed;
size_t length_max;

size_t message_length(int sender, unsigned int number)
{
	uint64_t h = mix(message_seed ^ ((uint64_t)sender << 32 | number));
	unsigned int kind = h % 100;
	size_t most = kind < 20 ? TINY : kind < 60 ? 200 : kind < 90 ? 1500 :
		      length_max;

	if (kind >= 98)
		return length_max;
	if (most > length_max)
		most = length_max;
	if (kind < 20)
		return 1 + (h >> 8) % most;
	return TINY + 1 + (h >> 8) % (most - TINY);
}

void tiny_make(unsigned char *buf, size_t len)
{
	size_t i;

	buf[0] = len;
	for (i = 1; i < len; i++)
		buf[i] = 0x80 | (len * 11 + i * 7);
}

size_t message_make(unsigned char *buf, int sender, unsigned int number)
{
	size_t len = message_length(sender, number), i;
	uint64_t word;

	if (len <= TINY) {
		tiny_make(buf, len);
		return len;
	}
	buf[0] = 0x7f;
	buf[1] = 0x80 | sender;
	for (i = 0; i < 5; i++)
		buf[2 + i] = 0x80 | number >> 7 * i;
	for (i = 0; i < 4; i++)
		buf[7 + i] = 0x80 | len >> 7 * i;
	word = (uint64_t)sender << 32 | number;
	for (i = TINY; i < len; i += 8) {
		word = mix(word);
		word |= 0x8080808080808080;
		memcpy(buf + i, &word, len - i < 8 ? len - i : 8);
	}
	return len;
}

size_t message_claims(const unsigned char *buf, size_t have, int *sender,
		      unsigned int *number)
{
	size_t len = 0;
	int i;

	*sender = -1;
	if (buf[0] <= TINY)
		return buf[0];
	if (have < TINY)
		return 0;
	*sender = buf[1] & 0x7f;
	*number = 0;
	for (i = 0; i < 5; i++)
		*number |= (buf[2 + i] & 0x7f) << 7 * i;
	for (i = 0; i < 4; i++)
		len |= (size_t)(buf[7 + i] & 0x7f) << 7 * i;
	if (*sender >= SENDERS || *number >= NUMBERS)
		t_fail("bytes that no message begins with: sender %d, number %u",
		       *sender, *number);
	return len;
}
