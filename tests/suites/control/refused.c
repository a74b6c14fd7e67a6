// SPDX-License-Identifier: GPL-2.0-only
/* What the control device refuses. */
#include "control.h"

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

void refused_creations(void)
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
void refused_max_message(void)
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

void refused_selections(void)
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

void refused_settings(void)
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
void bad_pointers(void)
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

void unknown_calls(void)
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
