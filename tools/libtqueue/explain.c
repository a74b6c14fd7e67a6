// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages for people: the queue, what is wrong, and what to do.
 *
 * In a file of its own, because a statically linked program that looks up groups still
 * needs the shared C library.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "internal.h"

struct text {
	char *to;
	size_t left;
};

__attribute__((format(printf, 2, 3)))
static void append(struct text *text, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(text->to, text->left, format, arguments);
	va_end(arguments);
	if (length <= 0 || !text->left)
		return;
	if ((size_t)length >= text->left)
		length = (int)(text->left - 1);
	text->to += length;
	text->left -= (size_t)length;
}

/* Who can open the node. */
static void explain_access(struct text *text, const char *path)
{
	struct stat node;
	struct group group, *found = NULL;
	char names[1024];

	if (stat(path, &node)) {
		if (errno == EACCES)
			append(text, ": %s cannot be reached, as a directory above it may not be searched",
			       path);
		return;
	}
	/* Nobody should be added to root's group. */
	if (!(node.st_mode & 060) || !node.st_gid) {
		append(text, ": %s is only for its owner (user id %u)", path,
		       node.st_uid);
		return;
	}
	getgrgid_r(node.st_gid, &group, names, sizeof(names), &found);
	if (found)
		append(text, ": %s is for group %s (adduser USER %s, then log in again)",
		       path, found->gr_name, found->gr_name);
	else
		append(text, ": %s is for the group with the id %u",
		       path, node.st_gid);
}

/* Describes a file that is not the device file of the queue. */
static const char *word_of(const char *path)
{
	struct stat st;

	if (lstat(path, &st))
		return NULL;
	switch (st.st_mode & S_IFMT) {
	case S_IFREG:
		return "a regular file";
	case S_IFDIR:
		return "a directory";
	case S_IFLNK:
		return "a link to another file";
	case S_IFCHR:
		return "the device file of another device";
	default:
		return "another kind of file";
	}
}

/* The name of a queue, of which @name may be the path.  NULL for another path. */
static const char *name_of(const char *name)
{
	if (!strncmp(name, QUEUE_DIRECTORY, strlen(QUEUE_DIRECTORY)))
		name += strlen(QUEUE_DIRECTORY);
	else if (!strcmp(name, "/dev/" DEFAULT_QUEUE))
		name = DEFAULT_QUEUE;
	return strchr(name, '/') ? NULL : name;
}

/* Another file is in the place of the device file.  @known: the queue exists. */
static void explain_other(struct text *text, const char *path, const char *what,
			  const char *queue, bool known)
{
	append(text, "%s is %s, not the device file of this queue", path, what);
	if (known)
		append(text, " (\"tqueue apply %s\" moves it aside and makes the device file)",
		       queue);
	else
		append(text, " (move it away, then create the queue with \"tqueue create %s\")",
		       queue);
}

/* The queue exists, but its device file does not. */
static void explain_missing(struct text *text, const char *path, const char *queue)
{
	/* In a /dev that was made for a program, all are missing. */
	if (access("/dev/" DEFAULT_QUEUE, F_OK) && access(CONTROL_PATH, F_OK))
		append(text, "queue exists, but not in the /dev of this program (a systemd unit with PrivateDevices=yes needs BindPaths=/dev/tq and DeviceAllow=char-tqueue; a container needs the device %s)",
		       path);
	else
		append(text, "device file %s is missing (make it with \"tqueue apply %s\")",
		       path, queue);
}

/* Looks for what prevents opening a queue.  Returns whether it found it. */
static bool explain_device(struct text *text, const char *name, int error)
{
	const char *queue = name_of(name);
	struct tqueue_info info;
	struct statvfs system;
	bool known, unknown;
	const char *there;
	char path[4096];
	struct stat st;

	if (!queue || tqueue_path(name, path, sizeof(path)))
		return false;
	known = !tqueue_get_by_name(queue, &info);
	/* Without sysfs neither is known. */
	unknown = !known && errno == ENOENT;
	there = word_of(path);
	switch (error) {
	case ENOENT:
	case ENOTTY:
		if (known && !there)
			explain_missing(text, path, queue);
		else if (there && !stat(path, &st) && S_ISCHR(st.st_mode) &&
			 !unknown && (!known || st.st_rdev == makedev(info.major, info.minor)))
			return false;
		else if (there)
			explain_other(text, path, there, queue, known);
		else
			return false;
		return true;
	case EPERM:
		/* Only a device policy makes access(2) fail like this. */
		if (!eaccess(path, R_OK | W_OK) || errno != EPERM)
			return false;
		append(text, "device policy forbids this program to use the queue (a systemd unit with DevicePolicy= or PrivateDevices= needs DeviceAllow=char-tqueue; a container needs the device in its list)");
		return true;
	case EACCES:
		if (statvfs(path, &system) || !(system.f_flag & ST_NODEV))
			return false;
		append(text, "%s is on a file system without devices (mounted with nodev, as some sandboxes do)",
		       path);
		return true;
	}
	return false;
}

/* The driver is not visible.  It never is without sysfs. */
static void explain_no_driver(struct text *text)
{
	if (access("/sys/class", F_OK))
		append(text, ", or not visible because this program has no /sys (a systemd unit with RootDirectory= or RootImage= needs MountAPIVFS=yes; InaccessiblePaths= can hide it, too)");
	append(text, " (load it with \"modprobe tqueue\"; it is in the package tqueue-dkms)");
}

/* Whether all leases of the queue are taken.  If not, another limit was reached. */
static bool explain_leases(struct text *text, const char *name)
{
	const char *queue = name_of(name);
	struct tqueue_info info;

	if (!queue || tqueue_get_by_name(queue, &info) || !info.max_leased ||
	    info.leased < info.max_leased)
		return false;
	append(text, "all %u leases of the queue are taken (\"tqueue jobs %s --state=leased\" shows the holders; \"tqueue set %s --max-leased\" allows more)",
	       info.max_leased, queue, queue);
	return true;
}

EXPORT char *tqueue_explain(const char *name, int error, char *buffer,
			    size_t size)
{
	struct text text = { buffer, size };
	char path[4096];
	const char *queue = name ? name : "QUEUE";

	if (size)
		*buffer = '\0';
	if (name)
		append(&text, "%s: ", name);

	/* No call fails like this for a valid name. */
	if (error == EINVAL && name && !strchr(name, '/') &&
	    tqueue_check_name(name)) {
		append(&text, "invalid queue name (1 to %d letters, digits, '.', '_' and '-', no leading '.')",
		       TQUEUE_NAME_MAX);
		return buffer;
	}

	if (name && explain_device(&text, name, error))
		return buffer;
	if (name && error == ENOSPC && explain_leases(&text, name))
		return buffer;

	/* tqueue_strerror() also mentions messages; these do not. */
	if (error == ENOENT)
		append(&text, "no such queue");
	else if (error == EEXIST)
		append(&text, "queue already exists");
	else if (error == ENOBUFS)
		append(&text, "queue is full");
	else if (error == EBUSY)
		append(&text, "queue is in use or holds too much, or a message was read in part");
	else
		append(&text, "%s", tqueue_strerror(error));
	switch (error) {
	case TQUEUE_ENODRIVER:
		explain_no_driver(&text);
		break;
	case ENOBUFS:
		append(&text, " (\"tqueue recv %s\" makes room; \"tqueue set %s --size\" enlarges the queue)",
		       queue, queue);
		break;
	case TQUEUE_EOLDDRIVER:
		append(&text, " (upgrade tqueue-dkms, then \"rmmod tqueue && modprobe tqueue\", or restart)");
		break;
	case EMSGSIZE:
		append(&text, " (\"tqueue show %s\" shows max_message)",
		       queue);
		break;
	case ENOSPC:
		append(&text, " (remove some, or raise the parameters of the module: see tqueue(4))");
		break;
	case ESHUTDOWN:
		append(&text, " (start it with \"tqueue start %s\")", queue);
		break;
	case ENOENT:
		append(&text, " (create it with \"tqueue create %s\")",
		       queue);
		break;
	case EIDRM:
		append(&text, " (its messages are gone; create it and open it again)");
		break;
	case EPIPE:
		append(&text, " (\"tqueue set %s --no-reader=keep\" lets messages wait for another)",
		       queue);
		break;
	case EBUSY:
		append(&text, " (close and empty the queue, or use \"tqueue remove --force %s\"; a smaller size must fit what it holds; read a partial message to its end)",
		       queue);
		break;
	case EEXIST:
		append(&text, " (change it with \"tqueue set %s\")", queue);
		break;
	case ESTALE:
		append(&text, " (\"tqueue jobs %s\" shows the message)", queue);
		break;
	case ENAMETOOLONG:
		append(&text, " (at most %d characters)", TQUEUE_NAME_MAX);
		break;
	case EPERM:
		append(&text, " (its owner and root may do that)");
		break;
	case EACCES:
		if (name && !tqueue_path(name, path, sizeof(path)))
			explain_access(&text, path);
		break;
	}
	return buffer;
}

EXPORT char *tqueue_explain_message(const char *name, uint64_t id, int error,
				    char *buffer, size_t size)
{
	const unsigned long long number = id;
	struct text text = { buffer, size };
	const char *queue = name ? name : "QUEUE";

	switch (error) {
	case EEXIST:
	case ENOENT:
	case EBUSY:
	case ESTALE:
	case EPERM:
	case EINVAL:
		break;
	default:
		return tqueue_explain(name, error, buffer, size);
	}
	if (size)
		*buffer = '\0';
	if (name)
		append(&text, "%s: ", name);
	switch (error) {
	case EEXIST:
		append(&text, "message %llu already has this key (\"tqueue jobs %s\" shows it; \"tqueue delete %s %llu\" removes it)",
		       number, queue, queue, number);
		break;
	case ENOENT:
		append(&text, "no message %llu (\"tqueue jobs %s\" lists the messages)",
		       number, queue);
		break;
	case EBUSY:
		append(&text, "message %llu is leased or being received (\"tqueue jobs %s\" shows by whom; --force settles it anyway)",
		       number, queue);
		break;
	case ESTALE:
		append(&text, "message %llu: this delivery is over, so nothing was done (\"tqueue jobs %s\" shows the message)",
		       number, queue);
		break;
	case EPERM:
		append(&text, "message %llu: only the owner of the queue and root may settle the leases of others",
		       number);
		break;
	case EINVAL:
		append(&text, "message %llu cannot be settled like that (see tqueue_settle(3))",
		       number);
		break;
	}
	return buffer;
}
