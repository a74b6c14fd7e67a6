// SPDX-License-Identifier: GPL-2.0-only
/* Who may do what, and the access of a queue's node. */
#include "control.h"

void look_but_not_touch(void)
{
	int control = open(TQ_CONTROL, O_RDONLY | O_CLOEXEC);
	struct tqueue_create create = t_creation("forbidden");
	struct tqueue_select select = { .name = "here" };
	struct tqueue_set set = { .name = "here" };
	struct tqueue_info info = { .name = "here" };
	uint64_t mask;

	t_true(control >= 0, "cannot open %s for reading", TQ_CONTROL);
	t_create("here", TQ_PAGE);
	t_is(ioctl(control, TQUEUE_CTL_FEATURES, &mask), 0);
	t_is(ioctl(control, TQUEUE_CTL_GET, &info), 0);
	info.name[0] = '\0';
	t_is(ioctl(control, TQUEUE_CTL_NEXT, &info), 0);
	t_errno(ioctl(control, TQUEUE_CTL_CREATE, &create), EBADF);
	t_errno(ioctl(control, TQUEUE_CTL_REMOVE, &select), EBADF);
	t_errno(ioctl(control, TQUEUE_CTL_START, &select), EBADF);
	t_errno(ioctl(control, TQUEUE_CTL_STOP, &select), EBADF);
	t_errno(ioctl(control, TQUEUE_CTL_SET, &set), EBADF);
	close(control);
	control = open(TQ_CONTROL, O_WRONLY | O_CLOEXEC);
	t_is(ioctl(control, TQUEUE_CTL_FEATURES, &mask), 0);
	info.name[0] = '\0';
	t_is(ioctl(control, TQUEUE_CTL_NEXT, &info), 0);
	t_is(ioctl(control, TQUEUE_CTL_CREATE, &create), 0);
	strcpy(select.name, "forbidden");
	t_is(ioctl(control, TQUEUE_CTL_REMOVE, &select), 0);
	close(control);
	t_remove("here");
}

static void set_user(unsigned int uid, unsigned int gid)
{
	if (setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		t_fail("cannot become user %u", uid);
}

static void as_another(void *arg)
{
	int control = t_control();	/* opened by root */

	(void)arg;
	set_user(4321, 4321);
	t_errno(open(TQ_CONTROL, O_RDWR), EACCES);
	t_errno(open(TQ_CONTROL, O_WRONLY), EACCES);
	t_errno(t_open_queue_call("roots", O_RDONLY), EACCES);
	t_errno(t_open_queue_call("roots", O_WRONLY), EACCES);
	t_errno(t_open_queue_call("readable", O_WRONLY), EACCES);
	t_errno(t_open_queue_call("readable", O_RDWR), EACCES);
	close(t_open_queue("readable", O_RDONLY));
	t_errno(t_open_queue_call("writable", O_RDONLY), EACCES);
	close(t_open_queue("writable", O_WRONLY));
	close(t_open_queue("theirs", O_RDWR));
	close(t_open_queue("groups", O_RDWR));
	/* Whoever was given the device open may use it, but give nothing away. */
	t_errno(ioctl(control, TQUEUE_CTL_CREATE, &(struct tqueue_create){
		.name = "given", .mode = 0600, .uid = 1, .gid = 4321 }), EPERM);
	t_errno(ioctl(control, TQUEUE_CTL_CREATE, &(struct tqueue_create){
		.name = "given", .mode = 0600, .uid = 4321, .gid = 1 }), EPERM);
	t_is(ioctl(control, TQUEUE_CTL_CREATE, &(struct tqueue_create){
		.name = "given", .mode = 0600, .uid = 4321, .gid = 4321 }), 0);
	close(t_open_queue("given", O_RDWR));
	t_remove("given");
}

static void create_as(const char *name, unsigned int uid, unsigned int gid,
		      unsigned int mode)
{
	struct tqueue_create create = t_creation(name);

	create.uid = uid;
	create.gid = gid;
	create.mode = mode;
	t_is(t_create_call(&create), 0);
}

void access_is_as_asked(void)
{
	create_as("roots", 0, 0, 0660);
	create_as("readable", 0, 0, 0664);
	create_as("writable", 0, 4321, 0620);
	create_as("theirs", 4321, 0, 0600);
	create_as("groups", 0, 4321, 0060);
	t_reap(t_fork(as_another, NULL));
	t_remove("roots");
	t_remove("readable");
	t_remove("writable");
	t_remove("theirs");
	t_remove("groups");
}

static atomic_int watching;

static void watch(struct t_task *task)
{
	const struct tqueue_create *create = task->arg;

	while (atomic_load(&watching)) {
		struct stat st;

		if (stat("/dev/tq/watched", &st))
			continue;
		task->number++;
		if (st.st_mode & 07777 & ~create->mode)
			t_fail("for a moment the mode is %o, not %o", st.st_mode,
			       create->mode);
		if (st.st_uid != create->uid && st.st_uid)
			t_fail("for a moment the owner is %u", st.st_uid);
		if (st.st_gid != create->gid && st.st_gid)
			t_fail("for a moment the group is %u", st.st_gid);
	}
}

/* Tries to get in at the first moment. */
static void intrude(void *group)
{
	set_user(4321, (uintptr_t)group);
	for (;;) {
		int fd = t_open_queue_call("watched", O_RDONLY);

		if (fd >= 0)
			t_fail("somebody of group %ju gets in", (uintmax_t)(uintptr_t)group);
		if (errno != EACCES && errno != ENOENT && errno != ENXIO)
			t_fail("open fails with %s", strerrorname_np(errno));
	}
}

void never_wider(void)
{
	static const unsigned int modes[] = { 0600, 0640, 0660, 0200, 0060 };
	struct tqueue_create create = t_creation("watched");
	struct t_task watcher = { .arg = &create };
	pid_t intruders[2];
	size_t i;

	create.uid = 1234;
	create.gid = 2345;
	/* As the kernel makes the node it is root's, and the group's of root. */
	intruders[0] = t_fork(intrude, (void *)0);
	intruders[1] = t_fork(intrude, (void *)4321);
	for (i = 0; i < ARRAY_SIZE(modes); i++) {
		double end = t_now() + 0.5;
		struct stat st;

		create.mode = modes[i];
		atomic_store(&watching, 1);
		t_start(&watcher, watch);
		while (t_now() < end) {
			t_is(t_create_call(&create), 0);
			t_is(stat("/dev/tq/watched", &st), 0);
			t_is(st.st_mode, S_IFCHR | create.mode);
			t_is(st.st_uid, 1234);
			t_is(st.st_gid, 2345);
			t_remove("watched");
		}
		atomic_store(&watching, 0);
		t_finish(&watcher);
	}
	t_true(watcher.number, "the watcher never saw the node");
	t_kill(intruders[0]);
	t_kill(intruders[1]);
}
