// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/uio.h>
#include <unistd.h>

#include "format.h"
#include "processes.h"
#include "report.h"
#include "utf8.h"

/* The name in /proc/PID/fd of the file of a lease, and of an epoll file. */
#define LEASE_LINK	"anon_inode:[tqueue-lease]"
#define EPOLL_LINK	"anon_inode:[eventpoll]"

/* The most files of one poll(2) that are looked at. */
#define MOST_POLLED	64

/* An epoll file of the current process, and a file that it watches. */
struct watch {
	int epoll;
	int fd;
};

/**
 * struct scan - a search through all processes
 * @processes: the processes found so far
 * @process_room: room for processes
 * @use_room: room for uses
 * @major_number: of the driver's devices
 * @first: the first use of the current process
 * @watches: of the current process
 * @watch_count: how many
 * @watch_room: room for watches
 */
struct scan {
	struct processes *processes;
	size_t process_room;
	size_t use_room;
	unsigned int major_number;
	size_t first;
	struct watch *watches;
	size_t watch_count;
	size_t watch_room;
};

/* Makes room for one more element after @count elements of @size bytes. */
static void *grow(void *array, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return array;
	*room = *room ? 2 * *room : 16;
	return xnonnull(realloc(array, *room * size));
}

/* Finds the major number of the driver's devices.  Returns 0, or -1 if it is not loaded. */
static int find_major(unsigned int *major_number)
{
	char line[128], name[64];
	FILE *in = fopen("/proc/devices", "re");
	int found = -1;

	if (!in)
		return -1;
	while (found && fgets(line, sizeof(line), in))
		if (sscanf(line, "%u %63s", major_number, name) == 2 &&
		    !strcmp(name, "tqueue"))
			found = 0;
	fclose(in);
	return found;
}

/* Reads the first bytes of a file in /proc.  Returns how many, or -1. */
static ssize_t read_file(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;
	int error;

	if (fd >= 0) {
		length = read(fd, text, room - 1);
		error = errno;
		close(fd);
		errno = error;
	}
	text[length < 0 ? 0 : length] = '\0';
	return length;
}

/* Makes a command line one line of text that is safe for any terminal. */
static void make_printable(char *text, size_t length)
{
	size_t i, cut;

	while (length && !text[length - 1])
		length--;
	for (i = 0; i < length; i++) {
		if (!text[i])
			text[i] = ' ';
		else if ((unsigned char)text[i] < ' ' || text[i] == 0x7f ||
			 (i && text[i - 1] == '\302' && (unsigned char)text[i] < 0xa0))
			text[i] = '?';
	}
	/* The last character may have been cut in two. */
	for (cut = 0; cut < 4 && cut <= length; cut++) {
		if (is_utf8((const unsigned char *)text, length - cut)) {
			text[length - cut] = '\0';
			return;
		}
	}
	for (i = 0; i < length; i++)
		if (text[i] & 0x80)
			text[i] = '?';
	text[length] = '\0';
}

int process_look(pid_t pid, struct process *process)
{
	char path[64], text[512], *end;
	struct stat st;
	ssize_t length;

	memset(process, 0, sizeof(*process));
	process->pid = pid;
	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	if (stat(path, &st) || read_file(path, text, sizeof(text)) < 0)
		return -1;
	process->uid = st.st_uid;
	/* The name may have any character, parentheses, too. */
	end = strrchr(text, ')');
	if (!end || !strchr(text, '('))
		return -1;
	*end = '\0';
	process->state = end[1] ? end[2] : '?';
	snprintf(process->name, sizeof(process->name), "%.31s", strchr(text, '(') + 1);
	make_printable(process->name, strlen(process->name));

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	length = read_file(path, process->command, sizeof(process->command));
	if (length > 0)
		make_printable(process->command, (size_t)length);
	if (!process->command[0])
		snprintf(process->command, sizeof(process->command), "%s", process->name);
	return 0;
}

static struct use *add_use(struct scan *scan, int fd)
{
	struct processes *processes = scan->processes;
	struct use *use;

	processes->uses = grow(processes->uses, processes->use_count, &scan->use_room,
			       sizeof(*use));
	use = &processes->uses[processes->use_count++];
	memset(use, 0, sizeof(*use));
	use->process = processes->count;
	use->fd = fd;
	return use;
}

/* Reads fdinfo of a file of a queue.  Returns 0, or -1 if the file holds nothing. */
static int read_fdinfo(int directory, struct use *use)
{
	char path[32], line[256], format[32];
	unsigned long long value;
	unsigned int flags;
	int fd, over = 0;
	FILE *in;

	snprintf(path, sizeof(path), "fdinfo/%d", use->fd);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in) {
		if (fd >= 0)
			close(fd);
		return -1;
	}
	snprintf(format, sizeof(format), "queue: %%%ds", TQUEUE_NAME_MAX);
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "flags: %o", &flags) == 1)
			use->access = (int)flags & O_ACCMODE;
		else if (sscanf(line, "partial: %llu", &value) == 1)
			use->partial = value;
		else if (sscanf(line, "leases: %llu", &value) == 1)
			use->leases = value;
		else if (sscanf(line, "id: %llu", &value) == 1)
			use->id = value;
		else if (sscanf(line, "delivery: %llu", &value) == 1)
			use->delivery = (uint32_t)value;
		else if (sscanf(line, "over: %d", &over) != 1)
			sscanf(line, format, use->queue);
	}
	fclose(in);
	/* A lease that is over holds nothing. */
	return use->queue[0] && !over ? 0 : -1;
}

/* Notes the files that an epoll file watches. */
static void read_epoll(struct scan *scan, int directory, int epoll)
{
	char path[32], line[256];
	struct watch *watch;
	int fd, watched;
	FILE *in;

	snprintf(path, sizeof(path), "fdinfo/%d", epoll);
	fd = openat(directory, path, O_RDONLY | O_CLOEXEC);
	in = fd < 0 ? NULL : fdopen(fd, "r");
	if (!in) {
		if (fd >= 0)
			close(fd);
		return;
	}
	while (fgets(line, sizeof(line), in)) {
		if (sscanf(line, "tfd: %d", &watched) != 1)
			continue;
		scan->watches = grow(scan->watches, scan->watch_count, &scan->watch_room,
				     sizeof(*watch));
		watch = &scan->watches[scan->watch_count++];
		watch->epoll = epoll;
		watch->fd = watched;
	}
	fclose(in);
}

/* Looks at one file of the current process. */
static void look_at_file(struct scan *scan, int directory, const char *name)
{
	struct processes *processes = scan->processes;
	char path[32], link[64];
	struct stat st;
	struct use *use;
	ssize_t length;
	int fd = atoi(name);

	snprintf(path, sizeof(path), "fd/%d", fd);
	length = readlinkat(directory, path, link, sizeof(link) - 1);
	if (length < 0)
		return;
	link[length] = '\0';
	if (!strcmp(link, EPOLL_LINK)) {
		read_epoll(scan, directory, fd);
		return;
	}
	/* A file without a path, such as a socket or a pipe, is no device. */
	st.st_rdev = 0;
	if (strcmp(link, LEASE_LINK) &&
	    (link[0] != '/' || fstatat(directory, path, &st, 0) || !S_ISCHR(st.st_mode) ||
	     major(st.st_rdev) != scan->major_number))
		return;
	use = add_use(scan, fd);
	use->device = st.st_rdev;
	if (read_fdinfo(directory, use))
		processes->use_count--;
}

/* Marks the uses of a file of the current process with what a thread waits for. */
static void waits_for(struct scan *scan, int fd, unsigned int waits)
{
	struct processes *processes = scan->processes;
	size_t i;

	for (i = scan->first; i < processes->use_count; i++)
		if (processes->uses[i].fd == fd)
			processes->uses[i].waits |= waits;
}

static void waits_in_epoll(struct scan *scan, int epoll)
{
	size_t i;

	for (i = 0; i < scan->watch_count; i++)
		if (scan->watches[i].epoll == epoll)
			waits_for(scan, scan->watches[i].fd, WAITS_IN_POLL);
}

/* Reads the files of a poll(2) from the memory of the process. */
static void waits_in_poll(struct scan *scan, pid_t pid, unsigned long long address,
			  unsigned long long count)
{
	struct pollfd fds[MOST_POLLED];
	struct iovec to = { .iov_base = fds };
	struct iovec from = { .iov_base = (void *)(uintptr_t)address };
	ssize_t length;
	size_t i;

	to.iov_len = sizeof(fds[0]) * (count < MOST_POLLED ? count : MOST_POLLED);
	from.iov_len = to.iov_len;
	length = process_vm_readv(pid, &to, 1, &from, 1, 0);
	for (i = 0; length > 0 && i < (size_t)length / sizeof(fds[0]); i++)
		waits_for(scan, fds[i].fd, WAITS_IN_POLL);
}

static unsigned int waits_in_ioctl(unsigned long long request)
{
	/* The size in a request is that of the caller's structure, so leave it out. */
	switch (request & ~(unsigned long long)_IOC(0, 0, 0, _IOC_SIZEMASK)) {
	case TQUEUE_RECEIVE & ~_IOC(0, 0, 0, _IOC_SIZEMASK):
		return WAITS_TO_RECEIVE;
	case TQUEUE_SEND & ~_IOC(0, 0, 0, _IOC_SIZEMASK):
		return WAITS_TO_SEND;
	case TQUEUE_WAIT & ~_IOC(0, 0, 0, _IOC_SIZEMASK):
		return WAITS_FOR_SETTLED;
	default:
		return 0;
	}
}

/* Looks at the system call of a thread that sleeps: "NUMBER ARGUMENT...". */
static void look_at_call(struct scan *scan, pid_t pid, const char *text)
{
	unsigned long long argument[6];
	long number;

	if (sscanf(text, "%ld %llx %llx %llx %llx %llx %llx", &number, &argument[0],
		   &argument[1], &argument[2], &argument[3], &argument[4], &argument[5]) != 7)
		return;
	switch (number) {
	case SYS_read:
	case SYS_readv:
	case SYS_preadv2:
	case SYS_splice:
		waits_for(scan, (int)argument[0], WAITS_TO_RECEIVE);
		/* The third argument of splice(2) is the file that it writes to. */
		if (number == SYS_splice)
			waits_for(scan, (int)argument[2], WAITS_TO_SEND);
		break;
	case SYS_write:
	case SYS_writev:
	case SYS_pwritev2:
	case SYS_sendfile:
		waits_for(scan, (int)argument[0], WAITS_TO_SEND);
		break;
	case SYS_ioctl:
		waits_for(scan, (int)argument[0], waits_in_ioctl(argument[1]));
		break;
	case SYS_epoll_pwait:
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
#ifdef SYS_epoll_pwait2
	case SYS_epoll_pwait2:
#endif
		waits_in_epoll(scan, (int)argument[0]);
		break;
#ifdef SYS_poll
	case SYS_poll:
#endif
	case SYS_ppoll:
#ifdef SYS_ppoll_time64
	case SYS_ppoll_time64:
#endif
		waits_in_poll(scan, pid, argument[0], argument[1]);
		break;
	}
}

/*
 * Whether this is a 32-bit program and we are 64-bit, or the reverse.  Its system calls
 * have other numbers.
 */
static int is_foreign(int directory)
{
	unsigned char head[5] = { 0 };
	int fd = openat(directory, "exe", O_RDONLY | O_CLOEXEC);
	ssize_t length = -1;

	if (fd >= 0) {
		length = read(fd, head, sizeof(head));
		close(fd);
	}
	return length == sizeof(head) && head[4] != (sizeof(long) == 8 ? 2 : 1);
}

/* Looks at the system calls that the threads of the current process sleep in. */
static void look_at_threads(struct scan *scan, int directory, pid_t pid)
{
	int tasks = openat(directory, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *list = tasks < 0 ? NULL : fdopendir(tasks);
	const struct dirent *entry;
	char path[64], text[256];

	if (!list) {
		if (tasks >= 0)
			close(tasks);
		return;
	}
	if (!is_foreign(directory)) {
		while ((entry = readdir(list))) {
			if (!isdigit((unsigned char)entry->d_name[0]))
				continue;
			snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid,
				 atoi(entry->d_name));
			if (read_file(path, text, sizeof(text)) > 0)
				look_at_call(scan, pid, text);
		}
	}
	closedir(list);
}

static void look_at_process(struct scan *scan, pid_t pid)
{
	struct processes *processes = scan->processes;
	const struct dirent *entry;
	char path[32];
	int directory, fds;
	DIR *list;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	directory = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (directory < 0)
		return;
	fds = openat(directory, "fd", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	list = fds < 0 ? NULL : fdopendir(fds);
	if (!list) {
		if (fds >= 0)
			close(fds);
		else
			processes->hidden += errno == EACCES;
		close(directory);
		return;
	}
	scan->first = processes->use_count;
	scan->watch_count = 0;
	while ((entry = readdir(list)))
		if (isdigit((unsigned char)entry->d_name[0]))
			look_at_file(scan, directory, entry->d_name);
	closedir(list);
	if (processes->use_count > scan->first) {
		look_at_threads(scan, directory, pid);
		processes->list = grow(processes->list, processes->count,
				       &scan->process_room, sizeof(*processes->list));
		if (process_look(pid, &processes->list[processes->count]))
			processes->use_count = scan->first;
		else
			processes->count++;
	}
	close(directory);
}

static int compare_processes(const void *a, const void *b)
{
	const pid_t *left = a, *right = b;

	return *left < *right ? -1 : *left > *right;
}

/* Lists the ids of all processes, sorted.  Returns how many, or -1 and errno. */
static ssize_t list_processes(pid_t **pids)
{
	DIR *directory = opendir("/proc");
	const struct dirent *entry;
	size_t count = 0, room = 0;

	*pids = NULL;
	if (!directory)
		return -1;
	while ((entry = readdir(directory))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		*pids = grow(*pids, count, &room, sizeof(**pids));
		(*pids)[count++] = atoi(entry->d_name);
	}
	closedir(directory);
	if (count)
		qsort(*pids, count, sizeof(**pids), compare_processes);
	return (ssize_t)count;
}

int processes_scan(struct processes *processes)
{
	struct scan scan = { .processes = processes };
	ssize_t count, i;
	pid_t *pids;

	memset(processes, 0, sizeof(*processes));
	/* Without the driver, no process has a queue open. */
	if (find_major(&scan.major_number))
		return access("/proc/self", F_OK);
	count = list_processes(&pids);
	for (i = 0; i < count; i++)
		if (pids[i] != getpid())
			look_at_process(&scan, pids[i]);
	free(pids);
	free(scan.watches);
	return count < 0 ? -1 : 0;
}

void processes_free(struct processes *processes)
{
	free(processes->list);
	free(processes->uses);
	memset(processes, 0, sizeof(*processes));
}

const struct process *processes_find(const struct processes *processes, pid_t pid)
{
	size_t low = 0, high = processes->count, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (processes->list[middle].pid == pid)
			return &processes->list[middle];
		if (processes->list[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}
