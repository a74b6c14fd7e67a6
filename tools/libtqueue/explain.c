// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Messages for people: which queue, what is wrong, what to do.
 *
 * In a file of its own because a program that is linked statically and looks up
 * groups needs the shared C library all the same.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

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

/* Who may open it, by its node. */
static void explain_access(struct text *text, const char *path)
{
	struct stat node;
	struct group group, *found = NULL;
	char names[1024];

	if (stat(path, &node))
		return;
	/* Nobody is to be put into the group of root. */
	if (!(node.st_mode & 060) || !node.st_gid) {
		append(text, "; %s is for its owner only (user id %u)", path,
		       node.st_uid);
		return;
	}
	getgrgid_r(node.st_gid, &group, names, sizeof(names), &found);
	if (found)
		append(text, "; %s is for the members of the group %s: 'adduser USER %s', and log in again",
		       path, found->gr_name, found->gr_name);
	else
		append(text, "; %s is for the members of the group with the id %u",
		       path, node.st_gid);
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

	/* No call makes that of a good name. */
	if (error == EINVAL && name && !strchr(name, '/') &&
	    tqueue_check_name(name)) {
		append(&text, "this cannot be a name: 1 to %d letters, digits, '.', '_' and '-', and no '.' in front",
		       TQUEUE_NAME_MAX);
		return buffer;
	}

	append(&text, "%s", tqueue_strerror(error));
	switch (error) {
	case TQUEUE_ENODRIVER:
		explain_no_driver(&text);
		break;
	case ENOBUFS:
		append(&text, "; 'tqueue recv %s' makes room, 'tqueue set %s --size' gives it more",
		       queue, queue);
		break;
	case TQUEUE_EOLDDRIVER:
		append(&text, "; upgrade tqueue-dkms, then 'rmmod tqueue && modprobe tqueue', or restart");
		break;
	case EMSGSIZE:
		append(&text, "; 'tqueue show %s' tells what is allowed (max_message)",
		       queue);
		break;
	case ENOSPC:
		append(&text, "; remove some, or raise the parameters of the module: tqueue(4)");
		break;
	case ESHUTDOWN:
		append(&text, "; 'tqueue start %s' opens it again", queue);
		break;
	case ENOENT:
		append(&text, "; 'tqueue list' shows those that there are, 'tqueue create %s' makes it",
		       queue);
		break;
	case EIDRM:
		append(&text, "; what was in it is gone, and it has to be made and opened anew");
		break;
	case EBUSY:
		append(&text, "; it can be removed when its programs have ended and its messages are received, or with 'tqueue remove --force %s'; made smaller when it holds less; received from once that message was read to its end",
		       queue);
		break;
	case ENAMETOOLONG:
		append(&text, "; at most %d characters", TQUEUE_NAME_MAX);
		break;
	case EPERM:
		append(&text, "; its owner and root are");
		break;
	case EACCES:
		if (name && !tqueue_path(name, path, sizeof(path)))
			explain_access(&text, path);
		break;
	}
	return buffer;
}
