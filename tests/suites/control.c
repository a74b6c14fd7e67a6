// SPDX-License-Identifier: GPL-2.0-only
/*
 * The control device: queues made, found, configured and removed by name, what
 * is refused, who may, and that the node of a queue is never open to more than
 * was asked for.
 */
#include "calls.h"

#include <sys/sysmacros.h>

#define LONGEST	"x23456789012345678901234567890123456789012345678901234567890123"

static bool exists(const char *name)
{
	struct tqueue_info info = { 0 };

	strcpy(info.name, name);
	if (!ioctl(t_control(), TQUEUE_CTL_GET, &info))
		return true;
	t_is(errno, ENOENT);
	return false;
}

static void works(const char *name)
{
	int fd = t_open_queue(name, O_RDWR | O_NONBLOCK);

	t_send(fd, 100, 1);
	t_send(fd, 200, 2);
	t_receive(fd, 100, 1);
	t_receive(fd, 200, 2);
	close(fd);
}

static void no_trace(const char *name)
{
	char path[128];
	int fd = t_open_queue_call(name, O_RDONLY);

	t_errno(fd, ENOENT);
	snprintf(path, sizeof(path), "/sys/class/tqueue/%s", name);
	t_errno(access(path, F_OK), ENOENT);
	t_is(exists(name), false);
	t_errno(t_remove_call(name, 0), ENOENT);
	t_errno(t_remove_call(name, TQUEUE_REMOVE_FORCE), ENOENT);
}

/* ---- a queue by name ---------------------------------------------------- */

static void makes_a_queue(void)
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

static void describes_itself(void)
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

static void counts_what_is_in_flight(void)
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

static void default_queue(void)
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

static void defaults(void)
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

static void rounds_sizes_up(void)
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

static void two_queues_are_two(void)
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

static void what_it_can_do(void)
{
	uint64_t mask = 0;

	t_is(ioctl(t_control(), TQUEUE_CTL_FEATURES, &mask), 0);
	t_true(mask & TQUEUE_FEATURE_CONTROL, "the features are %#llx",
	       (unsigned long long)mask);
	t_is(t_get("tqueue").features, mask);
	t_errno(ioctl(t_control(), TQUEUE_CTL_FEATURES, NULL), EFAULT);
}

/* ---- names ---------------------------------------------------------------- */

static void good_names(void)
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

static void bad_names(void)
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

static void too_long_a_name(void)
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

static void taken_names(void)
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

static void unknown_names(void)
{
	struct tqueue_info info = { .name = "nobody" };

	t_errno(ioctl(t_control(), TQUEUE_CTL_GET, &info), ENOENT);
	t_errno(t_remove_call("nobody", 0), ENOENT);
	t_errno(t_set_call("nobody", TQUEUE_CONFIG_SIZE, 2 * TQ_PAGE, 0), ENOENT);
	t_errno(t_select_call(TQUEUE_CTL_START, "nobody"), ENOENT);
	t_errno(t_select_call(TQUEUE_CTL_STOP, "nobody"), ENOENT);
}

/* ---- what is refused ------------------------------------------------------- */

static void create_refuses(const struct tqueue_create *create, const char *what)
{
	if (t_create_call(create) != -1 || errno != EINVAL)
		t_fail("%s is not EINVAL but %s", what, strerrorname_np(errno));
	no_trace(create->name);
}

#define REFUSED(field, value)						\
	do {								\
		struct tqueue_create create = t_creation("refused");	\
									\
		create.field = value;					\
		create_refuses(&create, #field " = " #value);		\
	} while (0)

#define REFUSED_CONFIG(bits, field, value)				\
	do {								\
		struct tqueue_create create = t_creation("refused");	\
									\
		create.config.fields = bits;				\
		create.config.field = value;				\
		create_refuses(&create, #field " = " #value);		\
	} while (0)

static void refused_creations(void)
{
	int i;

	REFUSED(reserved, 1);
	REFUSED(reserved, 0x80000000);
	REFUSED(mode, 0);
	REFUSED(mode, 0111);
	REFUSED(mode, 0700);
	REFUSED(mode, 01600);
	REFUSED(mode, 02600);
	REFUSED(mode, 04600);
	REFUSED(mode, S_IFCHR | 0600);
	REFUSED(mode, 0x80000180);
	REFUSED(uid, -1);
	REFUSED(gid, -1);
	/* Whose it is, the uid beside says; a SET may change it. */
	REFUSED(config.fields, TQUEUE_CONFIG_OWNER);
	for (i = 14; i < 64; i++)
		REFUSED(config.fields, 1ULL << i);
	REFUSED_CONFIG(TQUEUE_CONFIG_SIZE, size, 0);
	REFUSED_CONFIG(TQUEUE_CONFIG_SIZE, size, (1ULL << 30) + 1);
	REFUSED_CONFIG(TQUEUE_CONFIG_SIZE, size, 1ULL << 32);
	REFUSED_CONFIG(TQUEUE_CONFIG_SIZE, size, 1ULL << 63);
	REFUSED_CONFIG(TQUEUE_CONFIG_SIZE, size, -1ULL);
	REFUSED_CONFIG(TQUEUE_CONFIG_MAX_MESSAGE, max_message, 1ULL << 30);
	REFUSED_CONFIG(TQUEUE_CONFIG_MAX_MESSAGE, max_message, 1ULL << 32);
	REFUSED_CONFIG(TQUEUE_CONFIG_MAX_MESSAGE, max_message, -1ULL);
	REFUSED_CONFIG(TQUEUE_CONFIG_OVERFLOW, overflow, 3);
	REFUSED_CONFIG(TQUEUE_CONFIG_OVERFLOW, overflow, -1);
	REFUSED_CONFIG(TQUEUE_CONFIG_END_OF_FILE, end_of_file, 2);
	REFUSED_CONFIG(TQUEUE_CONFIG_END_OF_FILE, end_of_file, -1);
	REFUSED_CONFIG(TQUEUE_CONFIG_NO_READER, no_reader, 2);
	REFUSED_CONFIG(TQUEUE_CONFIG_NO_READER, no_reader, -1);
}

/* One byte more than a quarter of the ring takes is too much. */
static void refused_max_message(void)
{
	struct tqueue_create create = t_creation("refused");

	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_MAX_MESSAGE;
	create.config.size = 2 * TQ_PAGE;
	create.config.max_message = 2 * TQ_PAGE / 4 - TQ_HEADER + 1;
	create_refuses(&create, "a byte too much");
	create.config.max_message--;
	t_is(t_create_call(&create), 0);
	t_is(t_get("refused").max_message, 2 * TQ_PAGE / 4 - TQ_HEADER);
	t_remove("refused");
}

static void refused_selections(void)
{
	static const unsigned long requests[] = {
		TQUEUE_CTL_REMOVE, TQUEUE_CTL_START, TQUEUE_CTL_STOP,
	};
	size_t i;
	int j;

	t_create("chosen", TQ_PAGE);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		for (j = 0; j < 32; j++) {
			struct tqueue_select select = { .name = "chosen" };

			select.flags = 1U << j;
			if (requests[i] == TQUEUE_CTL_REMOVE &&
			    select.flags == TQUEUE_REMOVE_FORCE)
				continue;
			t_errno(ioctl(t_control(), requests[i], &select), EINVAL);
		}
		for (j = 0; j < 32; j++) {
			struct tqueue_select select = { .name = "chosen" };

			select.reserved = 1U << j;
			t_errno(ioctl(t_control(), requests[i], &select), EINVAL);
		}
	}
	works("chosen");
	t_remove("chosen");
}

static void set_refuses(struct tqueue_config config)
{
	struct tqueue_set set = { .name = "set", .config = config };
	int fd = t_open_queue("set", O_RDWR);

	t_errno(ioctl(t_control(), TQUEUE_CTL_SET, &set), EINVAL);
	t_errno(ioctl(fd, TQUEUE_SET, &config), EINVAL);
	close(fd);
}

static void refused_settings(void)
{
	struct tqueue_info before, after;
	int i;

	t_create("set", 2 * TQ_PAGE);
	before = t_get("set");
	for (i = 14; i < 64; i++)
		set_refuses((struct tqueue_config){ .fields = 1ULL << i });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_OVERFLOW, .overflow = 3 });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_END_OF_FILE, .end_of_file = 2 });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_SIZE, .size = 0 });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_SIZE, .size = (1ULL << 30) + 1 });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_MAX_MESSAGE, .max_message = 2 * TQ_PAGE / 4 - 39 });
	/* All or nothing: what is good here is not done either. */
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_OVERFLOW | TQUEUE_CONFIG_MAX_MESSAGE,
		.overflow = TQUEUE_OVERFLOW_REJECT, .max_message = 2 * TQ_PAGE });
	set_refuses((struct tqueue_config){
		.fields = TQUEUE_CONFIG_OVERFLOW | TQUEUE_CONFIG_END_OF_FILE |
			  TQUEUE_CONFIG_SIZE,
		.size = 4 * TQ_PAGE, .overflow = TQUEUE_OVERFLOW_REJECT,
		.end_of_file = 7 });
	after = t_get("set");
	t_is(memcmp(&before, &after, sizeof(before)), 0);
	works("set");
	t_remove("set");
}

/* Structures that end where nothing is, at every byte. */
static void bad_pointers(void)
{
	static const struct { unsigned long request; size_t size; } calls[] = {
		{ TQUEUE_CTL_FEATURES, sizeof(uint64_t) },
		{ TQUEUE_CTL_CREATE, sizeof(struct tqueue_create) },
		{ TQUEUE_CTL_REMOVE, sizeof(struct tqueue_select) },
		{ TQUEUE_CTL_SET, sizeof(struct tqueue_set) },
		{ TQUEUE_CTL_START, sizeof(struct tqueue_select) },
		{ TQUEUE_CTL_STOP, sizeof(struct tqueue_select) },
		{ TQUEUE_CTL_GET, sizeof(struct tqueue_info) },
		{ TQUEUE_CTL_NEXT, sizeof(struct tqueue_info) },
	};
	size_t i, there;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		t_errno(ioctl(t_control(), calls[i].request, NULL), EFAULT);
		t_errno(ioctl(t_control(), calls[i].request,
			      (void *)0xffffffff81000000), EFAULT);
		for (there = 0; there < calls[i].size; there += 4) {
			struct tqueue_create create = { .mode = 0600 };
			char *edge = t_edge(there);

			if (calls[i].request == TQUEUE_CTL_CREATE)
				strcpy(create.name, "pointed");
			else if (calls[i].request != TQUEUE_CTL_NEXT)
				strcpy(create.name, "tqueue");
			memcpy(edge, &create, there < sizeof(create) ?
			       there : sizeof(create));
			t_errno(ioctl(t_control(), calls[i].request, edge), EFAULT);
			t_edge_free(edge, there);
		}
	}
	no_trace("pointed");
}

static void unknown_calls(void)
{
	char buf[TQ_PAGE] = "";
	int fd = t_open(O_RDWR);
	unsigned int i;

	for (i = 0x48; i < 256; i++)
		t_errno(ioctl(t_control(), _IOWR(TQUEUE_IOC_MAGIC, i,
						 struct tqueue_info), buf), ENOTTY);
	/* The number is known, the direction is not. */
	t_errno(ioctl(t_control(), _IOR(TQUEUE_IOC_MAGIC, 0x41,
					struct tqueue_create), buf), ENOTTY);
	/* Those of a queue are none of the control device, and the reverse. */
	t_errno(ioctl(t_control(), TQUEUE_INFO, buf), ENOTTY);
	t_errno(ioctl(t_control(), TQUEUE_STOP, NULL), ENOTTY);
	t_errno(ioctl(t_control(), FIONREAD, buf), ENOTTY);
	t_errno(ioctl(fd, TQUEUE_CTL_CREATE, buf), ENOTTY);
	t_errno(ioctl(fd, TQUEUE_CTL_FEATURES, buf), ENOTTY);
	for (i = 0x10; i < 256; i++)
		t_errno(ioctl(fd, _IOWR(TQUEUE_IOC_MAGIC, i,
					struct tqueue_info), buf), ENOTTY);
	t_true(read(t_control(), buf, 10) == -1, "the control device can be read");
	t_true(write(t_control(), buf, 10) == -1, "the control device can be written");
	t_true(mmap(NULL, TQ_PAGE, PROT_READ, MAP_SHARED, t_control(), 0) ==
		MAP_FAILED, "the control device can be mapped");
	close(fd);
}

/* ---- who may ---------------------------------------------------------------- */

static void look_but_not_touch(void)
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

static void access_is_as_asked(void)
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

static void never_wider(void)
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

/* ---- enumeration --------------------------------------------------------------- */

static void in_order_of_names(void)
{
	static const char * const names[] = {
		"zz", "b", "a", "A", "0", "aa", "-", "tqueue0", "tq", "_",
	};
	struct tqueue_info info = { 0 };
	char last[TQUEUE_NAME_MAX + 1] = "";
	size_t i, seen = 0;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		t_create(names[i], TQ_PAGE);
	while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info)) {
		t_true(strcmp(last, info.name) < 0, "%s after %s", info.name, last);
		strcpy(last, info.name);
		seen++;
	}
	t_is(errno, ENOENT);
	t_is(seen, ARRAY_SIZE(names) + 1);
	/* From a name that is none: the next one all the same. */
	memset(&info, 0, sizeof(info));
	strcpy(info.name, "aaa");
	t_is(ioctl(t_control(), TQUEUE_CTL_NEXT, &info), 0);
	t_is(strcmp(info.name, "b"), 0);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		t_remove(names[i]);
}

static void come_and_go(struct t_task *task)
{
	unsigned int state = task->number;

	while (atomic_load(&watching)) {
		struct tqueue_create create;
		char name[16];

		state = state * 1664525 + 1013904223;
		snprintf(name, sizeof(name), "n%02u-", state >> 24 & 15);
		create = t_creation(name);
		create.config.fields = TQUEUE_CONFIG_SIZE;
		create.config.size = TQ_PAGE;
		if (state >> 20 & 1) {
			if (t_create_call(&create))
				t_is(errno, EEXIST);
		} else if (t_remove_call(name, 0)) {
			t_is(errno, ENOENT);
		}
		atomic_fetch_add(&task->count, 1);
	}
}

static void while_others_come_and_go(void)
{
	struct t_task tasks[3] = { { .number = 1 }, { .number = 2 }, { .number = 3 } };
	double end = t_now() + t_seconds(2);
	int i, rounds = 0;
	char name[16];

	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "n%02u", i);
		t_create(name, TQ_PAGE);
	}
	atomic_store(&watching, 1);
	for (i = 0; i < 3; i++)
		t_start(&tasks[i], come_and_go);
	while (t_goes_on(end, rounds > 3 && t_all_did(tasks, 3, 4))) {
		struct tqueue_info info = { 0 };
		char last[TQUEUE_NAME_MAX + 1] = "";
		int stable = 0;

		while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info)) {
			t_true(strcmp(last, info.name) < 0, "%s after %s",
			       info.name, last);
			strcpy(last, info.name);
			if (strlen(info.name) == 3)
				stable++;
		}
		t_is(errno, ENOENT);
		t_is(stable, 16);
		rounds++;
	}
	atomic_store(&watching, 0);
	for (i = 0; i < 3; i++)
		t_finish(&tasks[i]);
	t_true(t_all_did(tasks, 3, 4), "hardly anything was made");
	t_true(rounds > 3, "only %d rounds", rounds);
	t_remove_all();
}

/* ---- removal -------------------------------------------------------------------- */

static void only_when_unused(void)
{
	char byte;
	int fd;

	t_create("used", TQ_PAGE);
	fd = t_open_queue("used", O_RDWR);
	t_errno(t_remove_call("used", 0), EBUSY);
	t_send(fd, 10, 1);
	t_errno(t_remove_call("used", 0), EBUSY);
	close(fd);
	t_errno(t_remove_call("used", 0), EBUSY);
	fd = t_open_queue("used", O_RDWR);
	t_is(read(fd, &byte, 1), 1);
	t_errno(t_remove_call("used", 0), EBUSY);
	close(fd);
	/* The rest came back. */
	t_errno(t_remove_call("used", 0), EBUSY);
	fd = t_open_queue("used", O_RDONLY);
	t_receive_rest(fd, 9, 1, 1);
	close(fd);
	t_remove("used");
	no_trace("used");
}

static void with_force(void)
{
	int fd;

	t_create("forced", TQ_PAGE);
	fd = t_open_queue("forced", O_RDWR);
	t_is(t_fill_file(fd, TQ_SMALL_MAX, 1), 4);
	t_is(t_remove_call("forced", TQUEUE_REMOVE_FORCE), 0);
	no_trace("forced");
	/* The name is free at once, and is another queue. */
	t_create("forced", TQ_PAGE);
	works("forced");
	t_errno(read(fd, &(char){ 0 }, 1), EIDRM);
	close(fd);
	works("forced");
	t_remove("forced");
	t_create("forced", TQ_PAGE);
	fd = t_open_queue("forced", O_WRONLY);
	t_send(fd, 10, 1);
	close(fd);
	t_is(t_remove_call("forced", TQUEUE_REMOVE_FORCE), 0);
	no_trace("forced");
}

static void holds_the_module(void)
{
	int control = t_control();

	t_create("holds", TQ_PAGE);
	close(control);
	t_is(t_unload(), EAGAIN);
	control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
	t_is(ioctl(control, TQUEUE_CTL_REMOVE, &(struct tqueue_select){
		.name = "holds" }), 0);
	/* The control device itself holds it while it is open. */
	t_is(t_unload(), EAGAIN);
	close(control);
	t_is(t_unload(), 0);
	/* Of a node that is there without the driver, udev is the owner. */
	t_errno(access("/sys/class/misc/tqueue-control", F_OK), ENOENT);
}

/* Removed but open: the code is still needed. */
static void holds_the_module_when_removed(void)
{
	int control = t_control(), fd;

	t_create("holds", TQ_PAGE);
	fd = t_open_queue("holds", O_RDWR);
	t_send(fd, 100, 1);
	t_is(t_remove_call("holds", TQUEUE_REMOVE_FORCE), 0);
	close(control);
	t_is(t_unload(), EAGAIN);
	close(fd);
	t_is(t_unload(), 0);
}

static long available(void)
{
	FILE *file = fopen("/proc/meminfo", "r");
	char line[128];
	long kib = 0;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %ld", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* 400 MB in all: more than there is, were it not given back. */
static void gives_memory_back(void)
{
	long before, after;
	int i, fd;

	t_create("big", 1 << 21);
	t_remove("big");
	before = available();
	for (i = 0; i < 200; i++) {
		t_create("big", 1 << 21);
		if (i % 10 == 0) {
			fd = t_open_queue("big", O_RDWR);
			t_fill_file(fd, 100000, 1);
			t_is(read(fd, &(char){ 0 }, 1), 1);
			t_is(t_remove_call("big", TQUEUE_REMOVE_FORCE), 0);
			close(fd);
		} else {
			t_remove("big");
		}
	}
	after = available();
	t_true(before - after < 16 * TQ_PAGE, "%ld KiB are gone", before - after);
}

/* A minor that was just given up may still be in somebody's hands. */
static void numbers_are_not_used_again_at_once(void)
{
	struct tqueue_info first, second;

	t_create("number", TQ_PAGE);
	first = t_get("number");
	t_remove("number");
	t_create("number", TQ_PAGE);
	second = t_get("number");
	t_is(first.major, second.major);
	t_true(first.minor != second.minor, "minor %u is used again", first.minor);
	t_remove("number");
}

/* ---- ceilings --------------------------------------------------------------------- */

static int create_numbered(int i, uint64_t size)
{
	struct tqueue_create create;
	char name[16];

	snprintf(name, sizeof(name), "q%d", i);
	create = t_creation(name);
	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = size;
	return t_create_call(&create);
}

static void remove_numbered(int i)
{
	char name[16];

	snprintf(name, sizeof(name), "q%d", i);
	t_remove(name);
}

static void too_many_queues(void)
{
	int i, n, round;

	for (n = 0; !create_numbered(n, TQ_PAGE); n++)
		t_true(n < 10, "more than max_queues are made");
	t_is(errno, ENOSPC);
	no_trace("q5");
	/* Whether the default one counts is not said. */
	t_true(n == 4 || n == 5, "%d queues are made where max_queues is 5", n);
	for (round = 0; round < 20; round++) {
		t_errno(create_numbered(n, TQ_PAGE), ENOSPC);
		remove_numbered(round % n);
		t_is(create_numbered(round % n, TQ_PAGE), 0);
	}
	for (i = 0; i < n; i++)
		remove_numbered(i);
}

static void too_much_memory(void)
{
	int i, n, round;

	t_needs_small_pages();
	/* 256 KiB for all but the default one, 16 KiB each. */
	for (n = 0; !create_numbered(n, 16384); n++)
		t_true(n < 17, "more than max_memory is used");
	t_is(errno, ENOSPC);
	t_true(n >= 14, "only %d queues of 16 KiB fit into 256 KiB", n);
	for (round = 0; round < 20; round++) {
		t_errno(create_numbered(n, 16384), ENOSPC);
		remove_numbered(round % n);
		t_is(create_numbered(round % n, 16384), 0);
	}
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 1 << 17, 0), ENOSPC);
	t_is(t_get("q0").size, 16384);
	works("q0");
	/* What a smaller one gives up another can have. */
	for (i = 1; i <= 8; i++) {
		char name[16];

		snprintf(name, sizeof(name), "q%d", i);
		t_is(t_set_call(name, TQUEUE_CONFIG_SIZE, 4096, 0), 0);
	}
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 65536, 0), 0);
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 1 << 17, 0), ENOSPC);
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
	for (i = 0; i < n; i++)
		remove_numbered(i);
	for (i = 0; i < n; i++)
		t_is(create_numbered(i, 16384), 0);
	for (i = 0; i < n; i++)
		remove_numbered(i);
}

/* A removed queue that is still open still has its memory: it counts. */
static void memory_of_removed_queues(void)
{
	int fds[20], i, n;

	t_needs_small_pages();
	for (n = 0; n < 20; n++) {
		if (create_numbered(0, 16384))
			break;
		fds[n] = t_open_queue("q0", O_RDWR);
		t_is(t_remove_call("q0", TQUEUE_REMOVE_FORCE), 0);
	}
	for (i = 0; i < n; i++)
		close(fds[i]);
	t_is(create_numbered(0, 131072), 0);
	remove_numbered(0);
	t_true(n < 20, "memory that removed queues still have is not counted");
}

static void set_max_memory(const char *bytes)
{
	int fd = open("/sys/module/tqueue/parameters/max_memory", O_WRONLY);

	t_is(write(fd, bytes, strlen(bytes)), strlen(bytes));
	close(fd);
}

/* All memory is taken: a queue can still give some of its own back. */
static void smaller_at_the_ceiling(void)
{
	t_needs_small_pages();
	t_is(create_numbered(0, 65536), 0);
	t_errno(create_numbered(1, 4096), ENOSPC);
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	works("q0");
	t_is(create_numbered(1, 32768), 0);
	t_errno(create_numbered(2, 4096), ENOSPC);
	/* Also if the administrator has lowered it meanwhile. */
	set_max_memory("4096");
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
	t_is(t_set_call("q1", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	t_errno(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), ENOSPC);
	set_max_memory("65536");
	t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
	remove_numbered(0);
	remove_numbered(1);
}

/* The default queue does not count, but for what was added to its first size. */
static void memory_of_the_default_queue(void)
{
	int round;

	t_needs_small_pages();
	for (round = 0; round < 3; round++) {
		t_is(create_numbered(0, 65536), 0);
		t_errno(create_numbered(1, 4096), ENOSPC);
		t_errno(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 16384, 0), ENOSPC);
		remove_numbered(0);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 32768, 0), 0);
		t_is(create_numbered(0, 32768), 0);
		t_errno(create_numbered(1, 16384), ENOSPC);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
		t_is(create_numbered(1, 16384), 0);
		t_errno(create_numbered(2, 16384), ENOSPC);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 4096, 0), 0);
		t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 8192, 0), 0);
		remove_numbered(0);
		remove_numbered(1);
	}
}

static atomic_long rounds, rounds_done;

static void run_smaller(struct t_task *task)
{
	long round, i;

	for (round = 1; round <= task->number; round++) {
		while (atomic_load(&rounds) < round)
			sched_yield();
		for (i = 0; i < round % 16; i++)
			sched_yield();
		t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 4096, 0), 0);
		atomic_store(&rounds_done, round);
	}
}

/* Two who change one queue's size at once cannot make it count for less. */
static void memory_of_a_queue_in_dispute(void)
{
	struct t_task task = { .number = 150 };
	long round, large = 0;

	t_needs_small_pages();
	t_control();
	t_is(create_numbered(0, 4096), 0);
	t_start(&task, run_smaller);
	for (round = 1; round <= task.number; round++) {
		t_is(t_set_call("q0", TQUEUE_CONFIG_SIZE, 65536, 0), 0);
		atomic_store(&rounds, round);
		/* What the other one gives up may not have gone yet. */
		if (t_set_call("q0", TQUEUE_CONFIG_SIZE, 131072, 0))
			t_is(errno, ENOSPC);
		while (atomic_load(&rounds_done) < round)
			sched_yield();
		if (t_get("q0").size != 131072)
			continue;
		large++;
		t_errno(create_numbered(1, 65536), ENOSPC);
	}
	t_finish(&task);
	fprintf(stderr, "# %ld times it became larger in the end\n", large);
	remove_numbered(0);
}

static void one_of_many(struct t_task *task)
{
	int round;

	for (round = 0; round < 30; round++) {
		if (!create_numbered(round, TQ_PAGE))
			atomic_fetch_add(&task->count, 1);
		else
			t_is(errno, EEXIST);
	}
}

static void one_name_for_many(void)
{
	struct t_task tasks[4] = { 0 };
	long made = 0;
	int i;

	t_control();
	for (i = 0; i < 4; i++)
		t_start(&tasks[i], one_of_many);
	for (i = 0; i < 4; i++) {
		t_finish(&tasks[i]);
		made += atomic_load(&tasks[i].count);
	}
	t_is(made, 30);
	for (i = 0; i < 30; i++)
		remove_numbered(i);
}

static const struct t_test tests[] = {
	TQ_TEST(makes_a_queue),
	TQ_TEST(describes_itself),
	TQ_TEST(counts_what_is_in_flight),
	TQ_TEST(default_queue),
	TQ_TEST(defaults),
	TQ_TEST(rounds_sizes_up),
	TQ_TEST(two_queues_are_two),
	TQ_TEST(what_it_can_do),
	TQ_TEST(good_names),
	TQ_TEST(bad_names),
	TQ_TEST(too_long_a_name),
	TQ_TEST(taken_names),
	TQ_TEST(unknown_names),
	TQ_TEST(refused_creations),
	TQ_TEST(refused_max_message),
	TQ_TEST(refused_selections),
	TQ_TEST(refused_settings),
	TQ_TEST(bad_pointers),
	TQ_TEST(unknown_calls),
	TQ_TEST(look_but_not_touch),
	TQ_TEST(access_is_as_asked),
	TQ_TEST(never_wider),
	TQ_TEST(in_order_of_names),
	TQ_TEST(while_others_come_and_go),
	TQ_TEST(only_when_unused),
	TQ_TEST(with_force),
	TQ_TEST(gives_memory_back),
	TQ_TEST(numbers_are_not_used_again_at_once),
	TQ_TEST(one_name_for_many),
	{ .name = "holds_the_module", .run = holds_the_module, .reloads = true,
	  .logs = true },
	{ .name = "holds_the_module_when_removed",
	  .run = holds_the_module_when_removed, .reloads = true, .logs = true },
	TQ_TEST_WITH(too_many_queues, "max_queues=5"),
	TQ_TEST_WITH(too_much_memory, "size_l=4096 max_memory=262144"),
	TQ_TEST_WITH(smaller_at_the_ceiling, "size_l=4096 max_memory=65536"),
	TQ_TEST_WITH(memory_of_removed_queues, "size_l=4096 max_memory=262144"),
	TQ_TEST_WITH(memory_of_the_default_queue,
		     "size_l=8192 max_memory=65536"),
	TQ_TEST_WITH(memory_of_a_queue_in_dispute,
		     "size_l=4096 max_memory=163840"),
};

int main(int argc, char **argv)
{
	return t_main("control", tests, ARRAY_SIZE(tests), argc, argv);
}
