// SPDX-License-Identifier: GPL-2.0-only
/* Where there is no queue, no driver, or an old one. */
#include "library.h"

/* What is no queue, or not there, is told apart. */
void no_queue(void)
{
	struct tqueue_info info;
	int fd;

	t_errno(tqueue_open("no-such-queue", O_RDONLY), ENOENT);
	t_errno(tqueue_open("/dev/tq/no-such-queue", O_RDONLY), ENOENT);
	t_errno(tqueue_open("/tmp/no-such-file", O_RDONLY), ENOENT);
	t_errno(tqueue_open("", O_RDONLY), EINVAL);
	t_errno(tqueue_open("..", O_RDONLY), EINVAL);
	t_errno(tqueue_open("tqueue", O_RDWR | O_CREAT), EINVAL);
	t_errno(tqueue_open("/dev/null", O_RDWR), ENOTTY);
	t_errno(tqueue_open("/proc/self/maps", O_RDONLY), ENOTTY);
	t_errno(tqueue_control_open(O_RDONLY | O_TRUNC), EINVAL);
	t_errno(tqueue_get_by_name("no-such-queue", &info), ENOENT);
	t_errno(tqueue_get_by_name("../mem/null", &info), EINVAL);

	fd = open_queue("tqueue", O_RDWR | O_NONBLOCK);
	t_is(fcntl(fd, F_GETFD), FD_CLOEXEC);
	t_true(fcntl(fd, F_GETFL) & O_NONBLOCK, "it is not O_NONBLOCK");
	/* A call of the control device, on a queue. */
	t_errno(tqueue_control_start(fd, "tqueue"), ENOTTY);
	close(fd);
	fd = open_queue(TQ_DEVICE, O_RDONLY);
	t_errno(tqueue_send(fd, "x", 1, 0), EBADF);
	t_errno(tqueue_send(fd, "x", 1, TQUEUE_FOREVER), EBADF);
	close(fd);
	t_errno(tqueue_get(fd, &info), EBADF);
}

/* Without the driver, every call that looks for it says so. */
void no_driver(void)
{
	struct tqueue_info info;
	char text[512];

	t_is(t_unload(), 0);
	t_errno(tqueue_open("tqueue", O_RDWR), TQUEUE_ENODRIVER);
	t_errno(tqueue_open("mail", O_RDWR), TQUEUE_ENODRIVER);
	t_errno(tqueue_open("/tmp/mail", O_RDWR), ENOENT);
	t_errno(tqueue_get_by_name("tqueue", &info), TQUEUE_ENODRIVER);
	t_true(!tqueue_list() && errno == TQUEUE_ENODRIVER,
	       "the list fails with %s", strerror(errno));
	tqueue_explain("mail", TQUEUE_ENODRIVER, text, sizeof(text));
	t_true(strstr(text, "modprobe tqueue"), "no cure in: %s", text);

	/* Where there is a modprobe, opening the node would load it. */
	if (access("/sbin/modprobe", X_OK)) {
		t_errno(tqueue_control_open(O_RDWR), TQUEUE_ENODRIVER);
		t_is(mknod(CONTROL, S_IFCHR | 0600, makedev(10, 243)), 0);
		t_errno(tqueue_control_open(O_RDWR), TQUEUE_ENODRIVER);
		unlink(CONTROL);
	}
	t_is(t_load(""), 0);
}

/* From now on the driver answers like one that has no ioctls. */
static void forget_ioctls(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_ioctl, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOTTY),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { ARRAY_SIZE(code), code };

	t_is(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	t_is(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter), 0);
}

void old_driver(void)
{
	struct tqueue_batch batch = { 0 };
	int fd = open_queue("tqueue", O_RDWR), ctl = open_control();
	uint64_t space[8], features;
	int null = open("/dev/null", O_RDWR);
	struct tqueue_info info;

	forget_ioctls();
	t_errno(tqueue_open("tqueue", O_RDWR), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_get(fd, &info), TQUEUE_EOLDDRIVER);
	tqueue_batch_init(&batch, space, sizeof(space));
	t_errno(tqueue_receive_batch(fd, &batch, 0, 0), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_control_features(ctl, &features), TQUEUE_EOLDDRIVER);
	t_errno(tqueue_control_features(fd, &features), ENOTTY);
	t_errno(tqueue_get(null, &info), ENOTTY);
	close(null);
	close(ctl);
	close(fd);
}
