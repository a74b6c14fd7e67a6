// SPDX-License-Identifier: GPL-2.0-only
/* Checks what surrounds the queues: memory cgroups and the units of systemd. */
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "doctor.h"

#define CGROUPS	"/sys/fs/cgroup"

/* What systemd knows of running services. */
#define ASK_SYSTEMD							\
	"systemctl show --type=service --state=running "		\
	"--property=Id,DeviceAllow,ActiveEnterTimestampMonotonic '*' 2>/dev/null"

static FILE *open_of_cgroup(const char *cgroup, const char *file)
{
	char path[PATH_MAX];
	int length = snprintf(path, sizeof(path), CGROUPS "%s/%s", cgroup, file);

	return length < (int)sizeof(path) ? fopen(path, "re") : NULL;
}

/* Reads a number in a file of a cgroup.  Returns 0, or -1 if it is missing or "max". */
static int read_number(const char *cgroup, const char *file, unsigned long long *value)
{
	FILE *in = open_of_cgroup(cgroup, file);
	int found;

	if (!in)
		return -1;
	found = fscanf(in, "%llu", value);
	fclose(in);
	return found == 1 ? 0 : -1;
}

/*
 * The number in the line that begins with @key, or 0 if there is no such line or no file.
 * Closes the file.
 */
static unsigned long long number_after(FILE *in, const char *key)
{
	size_t length = strlen(key);
	unsigned long long number = 0;
	char line[256];

	if (!in)
		return 0;
	while (fgets(line, sizeof(line), in))
		if (!strncmp(line, key, length))
			number = strtoull(line + length, NULL, 10);
	fclose(in);
	return number;
}

/* Whether a cgroup has reached its limit before, and is near it now. */
static int is_at_limit(const char *cgroup, unsigned long long *limit)
{
	unsigned long long current;

	if (read_number(cgroup, "memory.max", limit) ||
	    read_number(cgroup, "memory.current", &current) || current < *limit - *limit / 20)
		return 0;
	return number_after(open_of_cgroup(cgroup, "memory.events"), "max ") > 0;
}

/* Finds the cgroup (version 2) of a process.  Returns 0 or -1. */
static int find_cgroup(pid_t pid, char *cgroup, size_t room)
{
	char path[64], line[PATH_MAX];
	int result = -1;
	FILE *in;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", pid);
	in = fopen(path, "re");
	if (!in)
		return -1;
	while (result && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4))
			continue;
		snprintf(cgroup, room, "%.255s", line + 3);
		result = 0;
	}
	fclose(in);
	return result;
}

/* Whether a finding since @first is about the same cgroup. */
static int is_reported(const struct findings *findings, size_t first, const char *text)
{
	size_t i;

	for (i = first; i < findings->count; i++)
		if (strstr(findings->list[i].text, text))
			return 1;
	return 0;
}

void doctor_memory(struct findings *findings, const struct processes *processes)
{
	size_t first = findings->count, i;
	char cgroup[PATH_MAX], text[PATH_MAX + 16];
	unsigned long long limit;

	for (i = 0; i < processes->count; i++) {
		if (find_cgroup(processes->list[i].pid, cgroup, sizeof(cgroup)))
			continue;
		/* The limits of all cgroups above it apply, too. */
		for (; strlen(cgroup) > 1; *strrchr(cgroup, '/') = '\0') {
			snprintf(text, sizeof(text), "cgroup %s,", cgroup);
			if (!is_at_limit(cgroup, &limit) || is_reported(findings, first, text))
				continue;
			finding_add(findings, SEVERITY_WARNING, "memory",
				    "process %d (%s) is in the %s which is at its memory limit (%llu bytes): its sends can fail with ENOMEM, and it can be killed",
				    processes->list[i].pid, processes->list[i].command, text,
				    limit);
			finding_cure(findings, "raise the limit: MemoryMax= of its systemd unit, or memory.max in %s%s",
				     CGROUPS, cgroup);
		}
	}
}

/* One unit, from the lines of "systemctl show". */
struct unit {
	char name[256];
	char devices[1024];
	unsigned long long since;	/* CLOCK_MONOTONIC, microseconds */
};

/*
 * When udev first saw the device of a file: microseconds of CLOCK_MONOTONIC, or 0 if that
 * is not known.
 */
static unsigned long long made_at(const char *path)
{
	char record[64];
	struct stat st;

	if (stat(path, &st) || !S_ISCHR(st.st_mode))
		return 0;
	snprintf(record, sizeof(record), "/run/udev/data/c%u:%u", major(st.st_rdev),
		 minor(st.st_rdev));
	return number_after(fopen(record, "re"), "I:");
}

/*
 * systemd looks up the numbers of the allowed devices when it starts a unit.  A driver
 * that was loaded again and a queue that was created again have other numbers.
 */
static void check_unit(struct findings *findings, const struct unit *unit)
{
	char devices[sizeof(unit->devices)], path[PATH_MAX], *word, *rest;
	const char *made = NULL;

	snprintf(devices, sizeof(devices), "%s", unit->devices);
	for (word = strtok_r(devices, " ", &rest); word && unit->since;
	     word = strtok_r(NULL, " ", &rest)) {
		if (!strcmp(word, "char-tqueue"))
			made = "/dev/tqueue";
		else if (!strncmp(word, "/dev/tq", 7))
			made = word;
		else
			continue;
		snprintf(path, sizeof(path), "%s", made);
		if (made_at(path) <= unit->since)
			continue;
		finding_add(findings, SEVERITY_WARNING, "stale-unit",
			    "%s was started before %s was created, and may only use an earlier device (DeviceAllow=%s)",
			    unit->name, path, word);
		finding_cure(findings, "as root: \"systemctl restart %s\"; After=tqueue-queues.service starts it after its queues",
			     unit->name);
		return;
	}
}

void doctor_units(struct findings *findings)
{
	struct unit unit = { 0 };
	char line[2048];
	size_t length;
	FILE *in;

	if (access("/run/systemd/system", F_OK))
		return;
	in = popen(ASK_SYSTEMD, "re");
	if (!in)
		return;
	/* An empty line stands between units. */
	while (fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = '\0';
		if (!line[0]) {
			check_unit(findings, &unit);
			memset(&unit, 0, sizeof(unit));
		} else if (!strncmp(line, "Id=", 3)) {
			snprintf(unit.name, sizeof(unit.name), "%.255s", line + 3);
		} else if (!strncmp(line, "DeviceAllow=", 12)) {
			length = strlen(unit.devices);
			snprintf(unit.devices + length, sizeof(unit.devices) - length,
				 "%.1000s ", line + 12);
		} else if (!strncmp(line, "ActiveEnterTimestampMonotonic=", 30)) {
			unit.since = strtoull(line + 30, NULL, 10);
		}
	}
	check_unit(findings, &unit);
	pclose(in);
}
