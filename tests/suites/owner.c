// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who owns a queue: the user that it was given to when it was made, or by SET
 * since, whichever node it is opened through and whoever that belongs to.
 */
#include "calls.h"

#include <linux/capability.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/sysmacros.h>

#define NAME	"owner"
#define OWNER	1234
#define OTHER	4321

static void make(unsigned int uid)
{
	struct tqueue_create create = t_creation(NAME);

	create.uid = uid;
	create.gid = uid;
	create.mode = 0666;
	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = TQ_PAGE;
	t_is(t_create_call(&create), 0);
	t_is(t_get(NAME).uid, uid);
}

static int set_owner(int fd, unsigned int uid)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_OWNER, .uid = uid,
	};

	return ioctl(fd, TQUEUE_SET, &config);
}

/* What only the owner and the administrator may do. */
static void may(const char *path, bool allowed)
{
	struct tqueue_config same = { .fields = TQUEUE_CONFIG_SIZE, .size = TQ_PAGE };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	t_true(fd >= 0, "open(%s) fails with %s", path, strerrorname_np(errno));
	if (allowed) {
		t_is(ioctl(fd, TQUEUE_STOP), 0);
		t_is(ioctl(fd, TQUEUE_START), 0);
		t_is(ioctl(fd, TQUEUE_SET, &same), 0);
	} else {
		t_errno(ioctl(fd, TQUEUE_STOP), EPERM);
		t_errno(ioctl(fd, TQUEUE_START), EPERM);
		t_errno(ioctl(fd, TQUEUE_SET, &same), EPERM);
	}
	close(fd);
}

static const char *node;

static void owner_may(void *arg)
{
	(void)arg;
	t_set_user(OWNER);
	may(node, true);
}

static void owner_may_not(void *arg)
{
	(void)arg;
	t_set_user(OWNER);
	may(node, false);
}

static void other_may(void *arg)
{
	(void)arg;
	t_set_user(OTHER);
	may(node, true);
}

static void other_may_not(void *arg)
{
	(void)arg;
	t_set_user(OTHER);
	may(node, false);
}

/* ---- nodes ------------------------------------------------------------------ */

static void the_node_is_given_away(void)
{
	make(OWNER);
	node = strdup(t_queue_path(NAME));
	t_is(chown(node, OTHER, OTHER), 0);
	t_is(t_get(NAME).uid, OWNER);
	t_reap(t_fork(owner_may, NULL));
	t_reap(t_fork(other_may_not, NULL));
	may(node, true);
	t_remove(NAME);
}

/* Somewhere else, as a container has it. */
static void another_node(void)
{
	char where[] = "/tmp/tqueue-nodes-XXXXXX", path[64];
	struct tqueue_info info;

	make(OWNER);
	t_true(mkdtemp(where), "mkdtemp fails");
	if (mount("none", where, "tmpfs", 0, "mode=0755"))
		t_skip("no file system for a node: %s", strerror(errno));
	snprintf(path, sizeof(path), "%s/mine", where);
	info = t_get(NAME);
	t_is(mknod(path, S_IFCHR | 0666, makedev(info.major, info.minor)), 0);
	t_is(chmod(path, 0666), 0);
	t_is(chown(path, OTHER, OTHER), 0);
	node = path;
	t_reap(t_fork(other_may_not, NULL));
	t_reap(t_fork(owner_may, NULL));
	t_is(umount2(where, MNT_DETACH), 0);
	rmdir(where);
	t_remove(NAME);
}

static void as_default_owner(void *arg)
{
	(void)arg;
	t_set_user(OTHER);
	may(node, false);
}

/* The default queue is root's, whoever has its node. */
static void the_default_queue(void)
{
	struct stat before;

	node = TQ_DEVICE;
	t_is(stat(node, &before), 0);
	t_is(t_get("tqueue").uid, 0);
	t_is(chown(node, OTHER, OTHER), 0);
	t_reap(t_fork(as_default_owner, NULL));
	t_is(chown(node, before.st_uid, before.st_gid), 0);
	t_is(chmod(node, before.st_mode & 07777), 0);
}

/* ---- SET --------------------------------------------------------------------- */

static void given_by_root(void)
{
	int fd;

	make(OWNER);
	node = strdup(t_queue_path(NAME));
	fd = t_open_queue(NAME, O_RDWR);
	t_is(set_owner(fd, OTHER), 0);
	t_is(t_info(fd).uid, OTHER);
	t_reap(t_fork(other_may, NULL));
	t_reap(t_fork(owner_may_not, NULL));
	/* By way of the control device. */
	{
		struct tqueue_set set = { .config = {
			.fields = TQUEUE_CONFIG_OWNER, .uid = OWNER,
		} };

		strcpy(set.name, NAME);
		t_is(ioctl(t_control(), TQUEUE_CTL_SET, &set), 0);
	}
	t_is(t_info(fd).uid, OWNER);
	t_reap(t_fork(owner_may, NULL));
	t_reap(t_fork(other_may_not, NULL));
	/* Nobody's it cannot be, and other settings leave it. */
	t_errno(set_owner(fd, -1), EINVAL);
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), 0);
	t_is(t_info(fd).uid, OWNER);
	close(fd);
	t_remove(NAME);
}

static void gives_as_owner(void *arg)
{
	int fd;

	(void)arg;
	t_set_user(OWNER);
	fd = t_open_queue(NAME, O_RDWR);
	/* As chown(2): nobody gives away what is his own. */
	t_errno(set_owner(fd, OTHER), EPERM);
	t_errno(set_owner(fd, 0), EPERM);
	t_is(set_owner(fd, OWNER), 0);
	t_is(t_info(fd).uid, OWNER);
}

static void gives_as_other(void *arg)
{
	int fd;

	(void)arg;
	t_set_user(OTHER);
	fd = t_open_queue(NAME, O_RDWR);
	t_errno(set_owner(fd, OTHER), EPERM);
	t_errno(set_owner(fd, OWNER), EPERM);
	t_is(t_info(fd).uid, OWNER);
}

/* An administrator of other things: it may stop it, and not give it away. */
static void gives_without_chown(void *arg)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	int fd;

	(void)arg;
	t_is(syscall(SYS_capget, &header, data), 0);
	data[0].effective &= ~(1U << CAP_CHOWN);
	t_is(syscall(SYS_capset, &header, data), 0);
	fd = t_open_queue(NAME, O_RDWR);
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	t_is(ioctl(fd, TQUEUE_START), 0);
	t_errno(set_owner(fd, OTHER), EPERM);
	t_is(t_info(fd).uid, OWNER);
}

static void given_by_others(void)
{
	make(OWNER);
	t_reap(t_fork(gives_as_owner, NULL));
	t_reap(t_fork(gives_as_other, NULL));
	t_reap(t_fork(gives_without_chown, NULL));
	t_remove(NAME);
}

/* In a new queue the owner stands beside the configuration, not in it. */
static void not_at_creation(void)
{
	struct tqueue_create create = t_creation(NAME);

	create.config.fields = TQUEUE_CONFIG_OWNER;
	create.config.uid = OTHER;
	t_errno(t_create_call(&create), EINVAL);
	create.config.uid = 0;
	t_errno(t_create_call(&create), EINVAL);
}

/* ---- user namespaces ------------------------------------------------------------ */

static void write_to(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	t_true(fd >= 0, "open(%s) fails with %s", path, strerrorname_np(errno));
	t_is(write(fd, text, strlen(text)), strlen(text));
	close(fd);
}

/* Becomes root of a namespace of its own, and user @uid outside. */
static void be_root_inside(unsigned int uid)
{
	char map[32];

	t_set_user(uid);
	if (prctl(PR_SET_DUMPABLE, 1) || unshare(CLONE_NEWUSER))
		t_skip("no user namespaces: %s", strerror(errno));
	write_to("/proc/self/setgroups", "deny");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	write_to("/proc/self/uid_map", map);
	write_to("/proc/self/gid_map", map);
	t_is(getuid(), 0);
}

static void inside_as_other(void *arg)
{
	int fd;

	(void)arg;
	be_root_inside(OTHER);
	may(node, false);
	fd = open(node, O_RDWR);
	t_errno(set_owner(fd, 0), EPERM);
}

static void inside_as_owner(void *arg)
{
	int fd;

	(void)arg;
	be_root_inside(OWNER);
	may(node, true);
	fd = open(node, O_RDWR);
	t_is(set_owner(fd, 0), 0);
	/* Whom it does not know it cannot give it to. */
	t_true(set_owner(fd, 77) == -1 && (errno == EINVAL || errno == EPERM),
	       "it gives it to a user that it does not know: %s",
		strerrorname_np(errno));
}

/* Root of another namespace is the user that it is outside. */
static void root_of_another_namespace(void)
{
	unsigned int uids[] = { 0, OWNER };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(uids); i++) {
		make(uids[i]);
		node = strdup(t_queue_path(NAME));
		t_reap(t_fork(inside_as_other, NULL));
		if (uids[i] == OWNER)
			t_reap(t_fork(inside_as_owner, NULL));
		t_is(t_get(NAME).uid, uids[i]);
		t_remove(NAME);
	}
}

static const struct t_test tests[] = {
	TQ_TEST(the_node_is_given_away),
	TQ_TEST(another_node),
	TQ_TEST(the_default_queue),
	TQ_TEST(given_by_root),
	TQ_TEST(given_by_others),
	TQ_TEST(not_at_creation),
	TQ_TEST(root_of_another_namespace),
};

int main(int argc, char **argv)
{
	return t_main("owner", tests, ARRAY_SIZE(tests), argc, argv);
}
