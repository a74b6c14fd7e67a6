// SPDX-License-Identifier: GPL-2.0-only
/* Queues by name: made, described, found by their names. */
#include "control.h"

void makes_a_queue(void)
{
	struct tqueue_create create = t_creation("one");
	struct tqueue_info info;
	struct stat st;

	create.uid = 1234;
	create.gid = 2345;
	create.mode = 0640;
	no_trace("one");
	t_is(t_create_call(&create), 0);
	t_is(stat(t_queue_path("one"), &st), 0);
	t_is(st.st_mode, S_IFCHR | 0640);
	t_is(st.st_uid, 1234);
	t_is(st.st_gid, 2345);
	info = t_get("one");
	t_is(strcmp(info.name, "one"), 0);
	t_is(makedev(info.major, info.minor), st.st_rdev);
	t_is(access("/sys/class/tqueue/one/size", R_OK), 0);
	works("one");
	/* Whatever listens to uevents has had its turn. */
	t_sleep_ms(300);
	t_is(stat(t_queue_path("one"), &st), 0);
	t_is(st.st_mode, S_IFCHR | 0640);
	t_is(st.st_uid, 1234);
	t_is(st.st_gid, 2345);
	t_remove("one");
	no_trace("one");
}

void describes_itself(void)
{
	struct tqueue_create create = t_creation("described");
	struct tqueue_info info, same;
	int in, out;

	create.config = (struct tqueue_config){
		.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE |
			  TQUEUE_CONFIG_OVERFLOW | TQUEUE_CONFIG_END_OF_FILE,
		.size = 4 * TQ_PAGE, .max_message = 1000,
		.overflow = TQUEUE_OVERFLOW_REJECT,
		.end_of_file = TQUEUE_EOF_LAST_WRITER,
	};
	t_is(t_create_call(&create), 0);
	in = t_open_queue("described", O_RDWR);
	out = t_open_queue("described", O_RDONLY);
	t_send(in, 100, 1);
	t_send(in, 100, 2);
	t_send(in, 100, 3);
	t_receive(out, 100, 1);
	info = t_info(in);
	same = t_get("described");
	t_is(memcmp(&info, &same, sizeof(info)), 0);
	t_is(info.size, 4 * TQ_PAGE);
	t_is(info.max_message, 1000);
	t_is(info.overflow, TQUEUE_OVERFLOW_REJECT);
	t_is(info.end_of_file, TQUEUE_EOF_LAST_WRITER);
	t_is(info.messages, 2);
	t_is(info.bytes, 2 * t_record(100));
	t_is(info.received, 1);
	t_is(info.dropped, 0);
	t_true(info.last_id > 0, "the last message has no id");
	t_is(info.state, 0);
	/* The first has only sent. */
	t_is(info.readers, 1);
	t_is(info.writers, 1);
	t_is(info.in_flight, 0);
	t_is(info.reserved, 0);
	t_is(info.name[strlen("described") + 1], 0);
	t_receive(out, 100, 2);
	t_receive(out, 100, 3);
	close(in);
	close(out);
	info = t_get("described");
	t_is(info.readers, 0);
	t_is(info.writers, 0);
	t_remove("described");
}

void counts_what_is_in_flight(void)
{
	struct tqueue_info info;
	char part[10];
	int fd;

	t_create("hand", TQ_PAGE);
	fd = t_open_queue("hand", O_RDWR);
	t_send(fd, 100, 1);
	t_is(read(fd, part, sizeof(part)), sizeof(part));
	info = t_info(fd);
	t_is(info.in_flight, 1);
	t_is(info.messages, 0);
	t_receive_rest(fd, 90, 1, 10);
	info = t_info(fd);
	t_is(info.in_flight, 0);
	t_is(info.received, 1);
	close(fd);
	t_remove("hand");
}

void default_queue(void)
{
	struct tqueue_info info = t_get("tqueue"), same;
	int fd = t_open(O_RDWR);
	struct stat st;

	t_is(stat(TQ_DEVICE, &st), 0);
	t_is(makedev(info.major, info.minor), st.st_rdev);
	t_is(info.size, t_size());
	t_is(info.max_message, t_max_message());
	same = t_info(fd);
	t_is(strcmp(same.name, "tqueue"), 0);
	t_is(info.overflow, TQUEUE_OVERFLOW_BLOCK);
	t_is(info.end_of_file, TQUEUE_EOF_NEVER);
	close(fd);
	t_true(t_remove_call("tqueue", 0) == -1 && errno != ENOENT,
	       "the default queue is removed, or is not there");
	t_true(t_remove_call("tqueue", TQUEUE_REMOVE_FORCE) == -1,
	       "the default queue is removed with force");
	t_nothing();
}

void defaults(void)
{
	struct tqueue_create create = t_creation("plain");
	struct tqueue_info info;

	t_is(t_create_call(&create), 0);
	info = t_get("plain");
	t_true(info.size >= t_page() && !(info.size & (info.size - 1)),
	       "the size is %llu", (unsigned long long)info.size);
	t_is(info.max_message, info.size / 4 - TQ_HEADER);
	t_is(info.overflow, TQUEUE_OVERFLOW_BLOCK);
	t_is(info.end_of_file, TQUEUE_EOF_NEVER);
	t_is(info.messages, 0);
	t_is(info.bytes, 0);
	works("plain");
	t_remove("plain");
}

void rounds_sizes_up(void)
{
	static const struct { uint64_t asked, given; } sizes[] = {
		{ 1, TQ_PAGE }, { TQ_PAGE, TQ_PAGE }, { TQ_PAGE + 1, 2 * TQ_PAGE },
		{ 3 * TQ_PAGE, 4 * TQ_PAGE },
		{ 16 * TQ_PAGE - 1, 16 * TQ_PAGE }, { 1000000, 1048576 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		t_create("rounded", sizes[i].asked);
		t_is(t_get("rounded").size, sizes[i].given);
		t_is(t_get("rounded").max_message, sizes[i].given / 4 - TQ_HEADER);
		works("rounded");
		t_remove("rounded");
	}
}

void two_queues_are_two(void)
{
	int a, b;

	t_create("left", TQ_PAGE);
	t_create("right", TQ_PAGE);
	a = t_open_queue("left", O_RDWR | O_NONBLOCK);
	b = t_open_queue("right", O_RDWR | O_NONBLOCK);
	t_send(a, 10, 1);
	t_send(b, 20, 2);
	t_send(a, 30, 3);
	t_receive(b, 20, 2);
	t_errno(read(b, &(char){ 0 }, 1), EAGAIN);
	t_receive(a, 10, 1);
	t_receive(a, 30, 3);
	t_nothing();
	close(a);
	close(b);
	t_remove("left");
	t_remove("right");
}

void what_it_can_do(void)
{
	uint64_t mask = 0;

	t_is(ioctl(t_control(), TQUEUE_CTL_FEATURES, &mask), 0);
	t_true(mask & TQUEUE_FEATURE_CONTROL, "the features are %#llx",
	       (unsigned long long)mask);
	t_is(t_get("tqueue").features, mask);
	t_errno(ioctl(t_control(), TQUEUE_CTL_FEATURES, NULL), EFAULT);
}

void good_names(void)
{
	static const char * const names[] = {
		"a", "Z", "0", "a.b", "a..b", "a.", "-", "--force", "_", "a-b_c.d",
		"UPPER", "upper", "tqueue1", "power", "uevent", "subsystem", "con",
		"tqueue-control", LONGEST,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct tqueue_create create = t_creation(names[i]);

		if (t_create_call(&create))
			t_fail("\"%s\" is refused: %s", names[i],
			       strerrorname_np(errno));
		works(names[i]);
	}
	for (i = 0; i < ARRAY_SIZE(names); i++)
		t_remove(names[i]);
}

void bad_names(void)
{
	static const char * const names[] = {
		"", ".", "..", ".hidden", "a/b", "/", "/dev/tq/a", "a/", "../a",
		"a b", " a", "a\n", "\t", "a\x7f", "\x01", "a!b", "a:b", "a%b",
		"a*", "a\\b", "a\"b", "$a", "a,b", "a+b", "~", "h\xc3\xa9",
		"\xe2\x82\xac", "a\x80", "\xff",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		struct tqueue_create create = t_creation(names[i]);

		if (t_create_call(&create) != -1 || errno != EINVAL)
			t_fail("\"%s\" is not EINVAL but %s", names[i],
			       strerrorname_np(errno));
	}
}

void too_long_a_name(void)
{
	struct tqueue_create create = t_creation(LONGEST);
	struct tqueue_select select = { 0 };
	struct tqueue_info info = { 0 };
	struct tqueue_set set = { 0 };
	int control = t_control();

	create.name[63] = 'x';
	t_errno(t_create_call(&create), ENAMETOOLONG);
	memset(select.name, 'x', sizeof(select.name));
	t_errno(ioctl(control, TQUEUE_CTL_REMOVE, &select), ENAMETOOLONG);
	t_errno(ioctl(control, TQUEUE_CTL_START, &select), ENAMETOOLONG);
	t_errno(ioctl(control, TQUEUE_CTL_STOP, &select), ENAMETOOLONG);
	memset(info.name, 'x', sizeof(info.name));
	t_errno(ioctl(control, TQUEUE_CTL_GET, &info), ENAMETOOLONG);
	t_errno(ioctl(control, TQUEUE_CTL_NEXT, &info), ENAMETOOLONG);
	memset(set.name, 'x', sizeof(set.name));
	t_errno(ioctl(control, TQUEUE_CTL_SET, &set), ENAMETOOLONG);
}

void taken_names(void)
{
	struct tqueue_create create = t_creation("taken");

	t_is(t_create_call(&create), 0);
	t_errno(t_create_call(&create), EEXIST);
	works("taken");
	t_remove("taken");
	t_is(t_create_call(&create), 0);
	t_remove("taken");
	create = t_creation("tqueue");
	t_errno(t_create_call(&create), EEXIST);
	t_nothing();
}

void unknown_names(void)
{
	struct tqueue_info info = { .name = "nobody" };

	t_errno(ioctl(t_control(), TQUEUE_CTL_GET, &info), ENOENT);
	t_errno(t_remove_call("nobody", 0), ENOENT);
	t_errno(t_set_call("nobody", TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), ENOENT);
	t_errno(t_select_call(TQUEUE_CTL_START, "nobody"), ENOENT);
	t_errno(t_select_call(TQUEUE_CTL_STOP, "nobody"), ENOENT);
}
