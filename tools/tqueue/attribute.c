// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>

#include "attribute.h"

int attribute_number(const char *queue, const char *attribute, uint64_t *value)
{
	char path[256];
	int found;
	FILE *in;

	snprintf(path, sizeof(path), "/sys/class/tqueue/%s/%s", queue, attribute);
	in = fopen(path, "re");
	if (!in)
		return -1;
	found = fscanf(in, "%" SCNu64, value);
	fclose(in);
	return found == 1 ? 0 : -1;
}
