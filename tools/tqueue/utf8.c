// SPDX-License-Identifier: GPL-2.0-only
#include "utf8.h"

/*
 * The length of the character that begins here: 1 to 4 bytes, or 0 if it is invalid.
 * Over-long forms, surrogates and characters above the last plane are invalid.
 */
static size_t utf8_length(const unsigned char *data, size_t left)
{
	unsigned char first = data[0], low = 0x80, high = 0xbf;
	size_t length, i;

	if (first < 0x80)
		return 1;
	if (first < 0xc2 || first > 0xf4)
		return 0;
	length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
	if (length > left)
		return 0;
	if (first == 0xe0)
		low = 0xa0;
	else if (first == 0xed)
		high = 0x9f;
	else if (first == 0xf0)
		low = 0x90;
	else if (first == 0xf4)
		high = 0x8f;
	if (data[1] < low || data[1] > high)
		return 0;
	for (i = 2; i < length; i++)
		if ((data[i] & 0xc0) != 0x80)
			return 0;
	return length;
}

int is_utf8(const unsigned char *data, size_t length)
{
	size_t one;

	while (length) {
		one = utf8_length(data, length);
		if (!one)
			return 0;
		data += one;
		length -= one;
	}
	return 1;
}
