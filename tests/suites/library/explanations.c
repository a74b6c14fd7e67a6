// SPDX-License-Identifier: GPL-2.0-only
/* What tqueue_strerror() and the like say, and the example of the manual. */
#include "library.h"

void explanations(void)
{
	char whole[512], text[512];
	size_t size, length;
	int error;

	for (error = 1; error < 140; error++) {
		const char *said = tqueue_strerror(error);

		t_true(said && strlen(said) > 2, "%d means nothing", error);
		tqueue_explain("a-queue", error, text, sizeof(text));
		/* For a queue, these leave out what concerns messages and batches. */
		if (error == ENOENT || error == EEXIST || error == EBUSY ||
		    error == ENOBUFS)
			said = "";
		t_true(!strncmp(text, "a-queue: ", 9) && strstr(text, said),
		       "%d is explained as: %s", error, text);
		t_true(strlen(text) < sizeof(text) - 1, "cut off: %s", text);
	}
	t_true(strcmp(tqueue_strerror(12345), tqueue_strerror(EAGAIN)),
	       "everything means the same");

	tqueue_explain("mail", ESHUTDOWN, whole, sizeof(whole));
	t_true(strstr(whole, "tqueue start mail"), "no cure in: %s", whole);
	length = strlen(whole);
	for (size = 0; size <= length + 1; size++) {
		char *edge = t_edge(size);

		t_true(tqueue_explain("mail", ESHUTDOWN, edge, size) == edge,
		       "it returns another text");
		if (size) {
			t_is(strlen(edge), size - 1);
			t_is(strncmp(edge, whole, size - 1), 0);
		}
	}
	tqueue_explain("a b", EINVAL, text, sizeof(text));
	t_true(strstr(text, "letters"), "the name is not explained: %s", text);
	t_is(mknod("/tmp/a-node", S_IFREG | 0660, 0), 0);
	tqueue_explain("/tmp/a-node", EACCES, text, sizeof(text));
	t_true(!strstr(text, "adduser"), "everybody may be root: %s", text);
	t_is(chown("/tmp/a-node", 0, 65534), 0);
	tqueue_explain("/tmp/a-node", EACCES, text, sizeof(text));
	unlink("/tmp/a-node");
	t_true(strstr(text, "is for group nogroup (adduser USER nogroup"),
	       "access is not explained: %s", text);
	tqueue_explain(NULL, ENOENT, text, sizeof(text));
	t_true(strstr(text, "no such queue"), "no name: %s", text);
}

/* A name does not lead into something else, and it is said what that is. */
void wrong_devices(void)
{
	static const char path[] = "/dev/tq/mail", control[] = CONTROL ".kept";
	int fd = tqueue_control_open(O_RDWR);
	struct tqueue_info info;
	char text[512];

	t_is(tqueue_control_create(fd, "mail", NULL, -1, -1, 0600), 0);
	t_is(tqueue_control_create(fd, "other", NULL, -1, -1, 0600), 0);
	t_is(unlink(path), 0);
	t_errno(tqueue_open("mail", O_RDWR), ENOENT);
	tqueue_explain("mail", ENOENT, text, sizeof(text));
	t_true(strstr(text, "missing (make it with \"tqueue apply mail\")"), "missing: %s", text);

	/* A FIFO without a reader would keep its opener waiting. */
	t_is(mkfifo(path, 0600), 0);
	t_errno(tqueue_open("mail", O_WRONLY), ENOTTY);
	t_errno(tqueue_open(path, O_WRONLY), ENOTTY);
	tqueue_explain("mail", ENOTTY, text, sizeof(text));
	t_true(strstr(text, "is another kind of file, not the device file"), "a FIFO: %s", text);
	t_is(unlink(path), 0);

	t_is(tqueue_get_by_name("other", &info), 0);
	t_is(mknod(path, S_IFCHR | 0600, makedev(info.major, info.minor)), 0);
	t_errno(tqueue_open("mail", O_RDWR), ENOTTY);
	tqueue_explain("mail", ENOTTY, text, sizeof(text));
	t_true(strstr(text, "\"tqueue apply mail\" moves it aside"), "another's: %s", text);
	t_is(unlink(path), 0);

	t_is(rename(CONTROL, control), 0);
	t_is(mknod(CONTROL, S_IFREG | 0600, 0), 0);
	t_errno(tqueue_control_open(O_RDWR), ENOTTY);
	t_is(rename(control, CONTROL), 0);
	t_is(tqueue_control_remove(fd, "mail", 0), 0);
	t_is(tqueue_control_remove(fd, "other", 0), 0);
	close(fd);

	tqueue_explain("mail", ENOBUFS, text, sizeof(text));
	t_true(strstr(text, "queue is full") && strstr(text, "tqueue recv mail"),
	       "full: %s", text);
}

static void run_example(void *arg)
{
	char *argv[3] = { "example", "tqueue", NULL };

	dup2(*(int *)arg, STDOUT_FILENO);
	exit(example_main(2, argv));
}

void example(void)
{
	char text[256], wanted[256];
	int ends[2];
	ssize_t got;
	pid_t pid;

	t_is(pipe(ends), 0);
	pid = t_fork(run_example, &ends[1]);
	t_reap(pid);
	got = read(ends[0], text, sizeof(text) - 1);
	t_true(got > 0, "it prints nothing");
	text[got] = '\0';
	snprintf(wanted, sizeof(wanted), "%d: one\n%d: two\n%d: three\n", pid,
		 pid, pid);
	t_true(!strcmp(text, wanted), "it prints: %s", text);
}
