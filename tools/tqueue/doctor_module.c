// SPDX-License-Identifier: GPL-2.0-only
/* Checks the driver: is it loaded, in the right version, and built for all kernels? */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "doctor.h"
#include "queue.h"

#define MODULES		"/lib/modules"
#define LOADED		"/sys/module/tqueue"
#define BUILDER		"/usr/libexec/tqueue-dkms/tqueue-module"

/* The features that this command uses. */
#define FEATURES								\
	(TQUEUE_FEATURE_BATCH | TQUEUE_FEATURE_CONTROL | TQUEUE_FEATURE_WAIT |	\
	 TQUEUE_FEATURE_NO_READER | TQUEUE_FEATURE_PRIORITY | TQUEUE_FEATURE_DELAY | \
	 TQUEUE_FEATURE_UNIQUE | TQUEUE_FEATURE_LEASE | TQUEUE_FEATURE_TTL |	\
	 TQUEUE_FEATURE_LIST | TQUEUE_FEATURE_PAUSE)

/*
 * Reads the first line of a file or of a command's output, without its newline.
 * Returns 0 or -1.
 */
static int first_line(FILE *in, char *text, size_t room)
{
	int found;

	text[0] = '\0';
	if (!in)
		return -1;
	found = fgets(text, (int)room, in) ? 0 : -1;
	text[strcspn(text, "\n")] = '\0';
	return found;
}

static int read_line(const char *path, char *text, size_t room)
{
	FILE *in = fopen(path, "re");
	int result = first_line(in, text, room);

	if (in)
		fclose(in);
	return result;
}

/*
 * Finds the path of the module that is installed for a kernel.  Returns 0, -1 if there
 * is none, or -2 if the kernel has no list of modules.
 */
static int find_module(const char *kernel, char *path, size_t room)
{
	char list[512], line[512], *end;
	int result = -1;
	FILE *in;

	snprintf(list, sizeof(list), MODULES "/%.255s/modules.dep", kernel);
	in = fopen(list, "re");
	if (!in)
		return -2;
	while (result && fgets(line, sizeof(line), in)) {
		end = strchr(line, ':');
		if (!end)
			continue;
		*end = '\0';
		end = strstr(line, "/tqueue.ko");
		if (!end || strchr(end + 1, '/'))
			continue;
		snprintf(path, room, MODULES "/%.255s/%.511s", kernel, line);
		result = 0;
	}
	fclose(in);
	return result;
}

/* Reads a field of a module in a file; "" if it cannot be read. */
static void module_field(const char *path, const char *field, char *text, size_t room)
{
	char command[1200];
	FILE *in;

	/* The paths come from depmod, and have no characters that a shell treats specially. */
	snprintf(command, sizeof(command),
		 "PATH=$PATH:/usr/sbin:/sbin modinfo -F %s '%s' 2>/dev/null", field, path);
	in = popen(command, "re");
	first_line(in, text, room);
	if (in)
		pclose(in);
}

/* The driver is not loaded: is it built? */
static void explain_not_loaded(struct findings *findings)
{
	struct utsname system;
	char path[1024];

	uname(&system);
	finding_add(findings, SEVERITY_CRITICAL, "not-loaded",
		    "the driver is not loaded");
	if (find_module(system.release, path, sizeof(path)) != -1)
		finding_cure(findings, "as root: \"modprobe tqueue\" loads it (package tqueue-dkms)");
	else if (!access(BUILDER, X_OK))
		finding_cure(findings, "it is not built for this kernel, %s; as root: \"" BUILDER " restore\" builds and loads it, or says what is missing",
			     system.release);
	else
		finding_cure(findings, "it is not built for this kernel, %s; \"apt install tqueue-dkms\" builds and loads it",
			     system.release);
}

/* Is the installed driver the one that is loaded? */
static void check_loaded(struct findings *findings)
{
	char path[1024], loaded[64], installed[64], version[64], new_version[64];
	struct utsname system;

	uname(&system);
	if (find_module(system.release, path, sizeof(path)) ||
	    read_line(LOADED "/srcversion", loaded, sizeof(loaded)))
		return;
	module_field(path, "srcversion", installed, sizeof(installed));
	if (!installed[0] || !strcmp(installed, loaded))
		return;
	if (read_line(LOADED "/version", version, sizeof(version)))
		snprintf(version, sizeof(version), "unknown");
	module_field(path, "version", new_version, sizeof(new_version));
	finding_add(findings, SEVERITY_WARNING, "other-module",
		    "the loaded driver (version %s) is not the installed one (version %s, %s)",
		    version, new_version, path);
	finding_cure(findings, "as root, when no queue is in use: \"rmmod tqueue && modprobe tqueue\" loads the installed one; if a restart brings the other one back, it is in the initramfs: \"update-initramfs -u\"");
}

static void check_features(struct findings *findings)
{
	struct tqueue_info info;
	int fd = open_for_command("tqueue");
	uint64_t missing;

	if (fd < 0)
		return;
	if (!tqueue_get(fd, &info)) {
		missing = FEATURES & ~info.features;
		if (missing) {
			finding_add(findings, SEVERITY_WARNING, "old-driver",
				    "the driver is older than this command: it lacks features (0x%llx)",
				    (unsigned long long)missing);
			finding_cure(findings, "upgrade tqueue-dkms, then as root: \"rmmod tqueue && modprobe tqueue\", or restart");
		}
	}
	close(fd);
}

/* Is the driver built for all kernels that may be booted next? */
static void check_kernels(struct findings *findings)
{
	DIR *directory = opendir(MODULES);
	const struct dirent *entry;
	struct utsname system;
	char path[1024];

	if (!directory)
		return;
	uname(&system);
	/* If the running kernel has no installed module, the driver was loaded by hand. */
	while (!find_module(system.release, path, sizeof(path)) && (entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]) ||
		    !strcmp(entry->d_name, system.release) ||
		    find_module(entry->d_name, path, sizeof(path)) != -1)
			continue;
		/* A kernel that was removed leaves its directory behind. */
		snprintf(path, sizeof(path), "/boot/vmlinuz-%s", entry->d_name);
		if (access(path, F_OK)) {
			snprintf(path, sizeof(path), MODULES "/%s/vmlinuz", entry->d_name);
			if (access(path, F_OK))
				continue;
		}
		finding_add(findings, SEVERITY_WARNING, "not-built",
			    "the driver is not built for the kernel %s, which is installed: under that kernel there are no queues",
			    entry->d_name);
		finding_cure(findings, "as root: \"apt install linux-headers-%s\", then \"" BUILDER " restore\"; /var/log/tqueue-dkms has the log of the build",
			     entry->d_name);
	}
	closedir(directory);
}

int doctor_module(struct findings *findings)
{
	char path[sizeof("/sys/class/tqueue")] = "/sys/class/tqueue";

	if (access(path, F_OK)) {
		if (access("/sys/class", F_OK)) {
			finding_add(findings, SEVERITY_UNKNOWN, "no-sysfs",
				    "this program has no /sys, and cannot see the driver");
			finding_cure(findings, "a systemd unit hides /sys with RootDirectory= or RootImage= without MountAPIVFS=yes, or with InaccessiblePaths=");
		} else {
			explain_not_loaded(findings);
		}
		check_kernels(findings);
		return 0;
	}
	check_loaded(findings);
	check_features(findings);
	check_kernels(findings);
	return 1;
}
