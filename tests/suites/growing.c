// SPDX-License-Identifier: GPL-2.0-only
/*
 * Structures that grow: of each request a shorter structure is taken as if zeros
 * followed it, a longer one if what is not known of it is zero, and results are cut
 * to what the caller has. So old and new programs and drivers understand each other.
 */
#include "calls.h"
#include "calls32.h"

#define NAME	"growing"
#define ROOM	8192	/* for a structure and what may follow it */
#define MOST	4096	/* the longest that is tried */

/* ---- both worlds of calls ----------------------------------------------------- */

static bool narrow;	/* calls of a 32-bit program */

static long call(int fd, unsigned long request, void *argument)
{
	long result;

	if (!narrow)
		return ioctl(fd, request, argument);
	result = call32(CALL32_IOCTL, fd, request, (long)argument);
	if (result >= 0)
		return result;
	errno = -result;
	return -1;
}

/* The request as one with a structure of @size bytes makes it. */
static unsigned long sized(unsigned long request, size_t size)
{
	return (request & ~((unsigned long)_IOC_SIZEMASK << _IOC_SIZESHIFT)) |
	       size << _IOC_SIZESHIFT;
}

/* ---- the requests -------------------------------------------------------------- */

static int fd;
static char *argument;	/* ROOM bytes */
static char *records;	/* a page for them */

static void prepare_nothing(void)
{
}

static void prepare_name(void)
{
	strcpy(argument, NAME);
}

static void prepare_create(void)
{
	struct tqueue_create create = t_creation("grown");

	memcpy(argument, &create, sizeof(create));
}

static void prepare_set(void)
{
	struct tqueue_set set = { .config = {
		.fields = TQUEUE_CONFIG_SIZE, .size = 2 * TQ_PAGE,
	} };

	strcpy(set.name, NAME);
	memcpy(argument, &set, sizeof(set));
}

static void prepare_config(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_SIZE, .size = 2 * TQ_PAGE,
	};

	memcpy(argument, &config, sizeof(config));
}

static void prepare_send(void)
{
	struct tqueue_send send = { .records = (uintptr_t)records };

	send.bytes = t_put_many(records, 10, 1, 2);
	memcpy(argument, &send, sizeof(send));
}

static void prepare_receive(void)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)records, .bytes = 4096,
	};

	t_is(t_send_call(fd, records, t_put_many(records, 10, 1, 2), 0), 2);
	memcpy(argument, &receive, sizeof(receive));
}

static void drain(void)
{
	char buf[64];

	fcntl(fd, F_SETFL, O_NONBLOCK);
	while (read(fd, buf, sizeof(buf)) > 0)
		;
	fcntl(fd, F_SETFL, 0);
}

static void prepare_settle(void)
{
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)records, .count = 2,
	};
	uint64_t ids[2];
	int i;

	for (i = 0; i < 2; i++)
		ids[i] = t_send_id(fd, 10, i);
	for (i = 0; i < 2; i++) {
		struct tqueue_settlement settlement = {
			.id = ids[i], .action = TQUEUE_ACKNOWLEDGE,
			.flags = TQUEUE_SETTLE_UNLEASED,
		};

		memcpy(records + i * sizeof(settlement), &settlement,
		       sizeof(settlement));
	}
	memcpy(argument, &settle, sizeof(settle));
}

static void prepare_kick(void)
{
	struct tqueue_kick kick = {
		.id = TQUEUE_FOREVER, .states = TQUEUE_BURIED,
	};
	int i;

	for (i = 0; i < 2; i++)
		t_is(t_settle_unleased(fd, t_send_id(fd, 10, i), TQUEUE_BURY), 0);
	memcpy(argument, &kick, sizeof(kick));
}

static void undo_kick(void)
{
	t_kick_call(fd, TQUEUE_FOREVER, 0, TQUEUE_BURIED, NULL);
	drain();
}

static void prepare_list(void)
{
	struct tqueue_list list = {
		.entries = (uintptr_t)records, .count = 10,
		.entry_bytes = sizeof(struct tqueue_listed),
	};

	t_is(t_send_call(fd, records, t_put_many(records, 10, 1, 2), 0), 2);
	memcpy(argument, &list, sizeof(list));
}

static void prepare_wait(void)
{
	struct tqueue_wait wait = { .id = TQUEUE_FOREVER };

	memcpy(argument, &wait, sizeof(wait));
}

/* What the request has done, which is nothing where it failed. */
static bool did_nothing(void)
{
	return true;
}

static bool was_created(void)
{
	return !access(TQ_DIRECTORY "/grown", F_OK);
}

static bool was_set(void)
{
	return t_info(fd).size == 2 * TQ_PAGE;
}

static bool was_stopped(void)
{
	return t_info(fd).state == TQUEUE_STATE_STOPPED;
}

static bool was_started(void)
{
	return !was_stopped();
}

static bool has_sent(void)
{
	return t_info(fd).messages == 2;
}

static bool has_received(void)
{
	return !t_info(fd).messages;
}

static bool is_paused(void)
{
	return t_info(fd).state == TQUEUE_STATE_PAUSED;
}

static bool was_resumed(void)
{
	return !is_paused();
}

static void undo_pause(void)
{
	t_is(ioctl(fd, TQUEUE_RESUME), 0);
}

static void prepare_resume(void)
{
	t_is(ioctl(fd, TQUEUE_PAUSE), 0);
	prepare_name();
}

static void undo_nothing(void)
{
}

static void undo_create(void)
{
	if (was_created())
		t_is(t_remove_call("grown", 0), 0);
}

static void undo_set(void)
{
	t_is(t_set_call(NAME, TQUEUE_CONFIG_SIZE, TQ_PAGE, 0), 0);
}

static void undo_stop(void)
{
	t_is(ioctl(fd, TQUEUE_START), 0);
}

static void prepare_start(void)
{
	t_is(ioctl(fd, TQUEUE_STOP), 0);
	prepare_name();
}

static const struct request {
	const char *name;
	unsigned long number;
	bool control;		/* of the control device */
	size_t size, least;	/* the whole, and what it cannot do without */
	bool in;		/* all of it is read, and so it must be zero behind */
	void (*prepare)(void);
	bool (*did)(void);
	void (*undo)(void);
	long result;
} requests[] = {
	{ "INFO", TQUEUE_INFO, false, sizeof(struct tqueue_info), 8, false,
	  prepare_nothing, did_nothing, undo_nothing, 0 },
	{ "SEND", TQUEUE_SEND, false, sizeof(struct tqueue_send), 16, true,
	  prepare_send, has_sent, drain, 2 },
	{ "RECEIVE", TQUEUE_RECEIVE, false, sizeof(struct tqueue_receive), 16, true,
	  prepare_receive, has_received, drain, 2 },
	{ "SETTLE", TQUEUE_SETTLE, false, sizeof(struct tqueue_settle), 12, true,
	  prepare_settle, has_received, drain, 2 },
	{ "KICK", TQUEUE_KICK, false, sizeof(struct tqueue_kick), 16, true,
	  prepare_kick, has_sent, undo_kick, 2 },
	{ "LIST", TQUEUE_LIST, false, sizeof(struct tqueue_list), 24, true,
	  prepare_list, did_nothing, drain, 2 },
	{ "WAIT", TQUEUE_WAIT, false, sizeof(struct tqueue_wait), 8, true,
	  prepare_wait, did_nothing, undo_nothing, 0 },
	{ "SET", TQUEUE_SET, false, sizeof(struct tqueue_config), 16, true,
	  prepare_config, was_set, undo_set, 0 },
	{ "CTL_CREATE", TQUEUE_CTL_CREATE, true, sizeof(struct tqueue_create), 80, true,
	  prepare_create, was_created, undo_create, 0 },
	{ "CTL_SET", TQUEUE_CTL_SET, true, sizeof(struct tqueue_set), 80, true,
	  prepare_set, was_set, undo_set, 0 },
	{ "CTL_START", TQUEUE_CTL_START, true, sizeof(struct tqueue_select), 64, true,
	  prepare_start, was_started, undo_stop, 0 },
	{ "CTL_STOP", TQUEUE_CTL_STOP, true, sizeof(struct tqueue_select), 64, true,
	  prepare_name, was_stopped, undo_stop, 0 },
	{ "CTL_PAUSE", TQUEUE_CTL_PAUSE, true, sizeof(struct tqueue_select), 64, true,
	  prepare_name, is_paused, undo_pause, 0 },
	{ "CTL_RESUME", TQUEUE_CTL_RESUME, true, sizeof(struct tqueue_select), 64, true,
	  prepare_resume, was_resumed, undo_pause, 0 },
	{ "CTL_GET", TQUEUE_CTL_GET, true, sizeof(struct tqueue_info), 64, true,
	  prepare_name, did_nothing, undo_nothing, 0 },
	{ "CTL_NEXT", TQUEUE_CTL_NEXT, true, sizeof(struct tqueue_info), 64, true,
	  prepare_nothing, did_nothing, undo_nothing, 0 },
};

static long make(const struct request *request, size_t size)
{
	return call(request->control ? t_control() : fd, sized(request->number, size),
		    argument);
}

/* Nothing is written behind what the caller said that it has. */
static void ends_at(const struct request *request, size_t size)
{
	size_t at;

	for (at = size; at < ROOM; at++)
		if (argument[at] != 0x5a)
			t_fail("%s of %zu bytes writes to byte %zu", request->name, size,
			       at);
}

static void succeeds(const struct request *request, size_t size)
{
	long result;

	memset(argument, 0, size);
	request->prepare();
	memset(argument + size, 0x5a, ROOM - size);
	result = make(request, size);
	if (result != request->result)
		t_fail("%s with %zu bytes of %zu gives %ld (%s), not %ld", request->name,
		       size, request->size, result,
			result < 0 ? strerrorname_np(errno) : "", request->result);
	ends_at(request, size);
	t_true(request->did(), "%s with %zu bytes does nothing", request->name, size);
	request->undo();
}

static void refuses(const struct request *request, size_t size, size_t wrong, int error)
{
	long result;

	memset(argument, 0, ROOM);
	request->prepare();
	argument[wrong] = 1;
	result = make(request, size);
	if (result != -1 || errno != error)
		t_fail("%s with %zu bytes of %zu, and 1 at byte %zu, gives %ld (%s), not %s",
		       request->name, size, request->size, wrong, result,
			result < 0 ? strerrorname_np(errno) : "",
			strerrorname_np(error));
	if (request->did != did_nothing)
		t_true(!request->did(), "%s with %zu bytes fails and does it", request->name,
		       size);
	request->undo();
}

static void all_requests(void (*check)(const struct request *request))
{
	size_t i;

	argument = narrow ? calls32_memory(ROOM) : malloc(ROOM);
	records = narrow ? calls32_memory(4096) : malloc(4096);
	fd = t_open_small(NAME);
	for (i = 0; i < ARRAY_SIZE(requests); i++)
		check(&requests[i]);
	t_end(fd);
}

/* ---- what holds for each ----------------------------------------------------------- */

static void shorter(const struct request *request)
{
	size_t size;

	for (size = request->least; size <= request->size; size += 4)
		succeeds(request, size);
}

static void longer(const struct request *request)
{
	static const size_t more[] = { 1, 4, 7, 8, 16, 100, 1024 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(more); i++)
		succeeds(request, request->size + more[i]);
	succeeds(request, MOST);
}

/* Wherever in the unknown part it is, and however long that is. */
static void unknown(const struct request *request)
{
	static const size_t more[] = { 1, 8, 100, 1024 };
	size_t i;

	if (!request->in)
		return;
	for (i = 0; i < ARRAY_SIZE(more); i++) {
		size_t size = request->size + more[i];

		refuses(request, size, request->size, E2BIG);
		refuses(request, size, request->size + more[i] / 2, E2BIG);
		refuses(request, size, size - 1, E2BIG);
		/* What lies behind it is none of the driver's business. */
		succeeds(request, size);
	}
}

static void shorter_structures(void)
{
	all_requests(shorter);
}

static void longer_structures(void)
{
	all_requests(longer);
}

static void unknown_ends(void)
{
	all_requests(unknown);
}

static void shorter_structures_of_32_bits(void)
{
	narrow = true;
	all_requests(shorter);
}

static void longer_structures_of_32_bits(void)
{
	narrow = true;
	all_requests(longer);
}

static void unknown_ends_of_32_bits(void)
{
	narrow = true;
	all_requests(unknown);
}

/* A longer structure that is not all there. */
static void half_there(void)
{
	size_t page = t_page(), i, there;

	argument = malloc(ROOM);
	records = malloc(4096);
	fd = t_open_small(NAME);
	for (i = 0; i < ARRAY_SIZE(requests); i++) {
		const struct request *request = &requests[i];
		char *own = argument;
		size_t size = request->size + 64;

		if (!request->in)
			continue;
		for (there = request->size; there < size; there += 8) {
			char *edge = t_edge(page) + page - there;
			long result;

			memset(argument, 0, ROOM);
			request->prepare();
			memcpy(edge, argument, there);
			argument = edge;
			result = make(request, size);
			argument = own;
			if (result != -1 || errno != EFAULT)
				t_fail("%s of %zu bytes of which %zu are there gives %ld (%s)",
				       request->name, size, there, result,
					result < 0 ? strerrorname_np(errno) : "");
			if (request->did != did_nothing)
				t_true(!request->did(), "%s fails and does it",
				       request->name);
			request->undo();
			t_edge_free(edge - page + there, page);
		}
	}
	t_end(fd);
}

/* ---- what comes back -------------------------------------------------------------- */

/* Results are cut, and what is there is the same; a longer one ends in zeros. */
static void results(void)
{
	struct tqueue_info whole;
	size_t size, i;

	argument = malloc(ROOM);
	fd = t_open_small(NAME);
	t_send(fd, 100, 1);
	whole = t_info(fd);
	for (size = 8; size < MOST; size += size < 400 ? 4 : 500) {
		size_t same = size < sizeof(whole) ? size : sizeof(whole);

		for (i = 0; i < 2; i++) {
			memset(argument, 0, size);
			if (i && size < 64)
				continue;
			if (i)
				strcpy(argument, NAME);
			t_is(ioctl(i ? t_control() : fd,
				   sized(i ? TQUEUE_CTL_GET : TQUEUE_INFO, size),
				   argument), 0);
			t_is(memcmp(argument, &whole, same), 0);
			for (; same < size; same++)
				t_is(argument[same], 0);
			same = size < sizeof(whole) ? size : sizeof(whole);
		}
	}
	t_receive(fd, 100, 1);
	t_end(fd);
}

/* An older program's batches: without the results that it does not know. */
static void batches_of_older_programs(void)
{
	struct { uint64_t records, bytes, deadline; } args;
	struct tqueue_receive receive;
	size_t end;

	records = malloc(4096);
	fd = t_open_small(NAME);
	end = t_put_many(records, 10, 1, 3);
	args.records = (uintptr_t)records;
	args.bytes = end;
	args.deadline = TQUEUE_FOREVER;
	t_is(ioctl(fd, sized(TQUEUE_SEND, sizeof(args)), &args), 3);
	args.bytes = 4096;
	args.deadline = 0;
	t_is(ioctl(fd, sized(TQUEUE_RECEIVE, sizeof(args)), &args), 3);
	t_is(args.bytes, end);
	/* Without a deadline: never wait. */
	t_errno(ioctl(fd, sized(TQUEUE_RECEIVE, 16), &args), EAGAIN);
	/* Flags of a whole one are checked as ever. */
	receive = (struct tqueue_receive){ .flags = 0x10 };
	t_errno(ioctl(fd, TQUEUE_RECEIVE, &receive), EINVAL);
	t_errno(ioctl(fd, sized(TQUEUE_RECEIVE, 32), &receive), EINVAL);
	t_end(fd);
}

/* Numbers that are not known are not, whatever the size; nor are other directions. */
static void unknown_numbers(void)
{
	size_t size, i;

	argument = calloc(1, ROOM);
	fd = t_open_small(NAME);
	for (size = 0; size < MOST; size += 56) {
		for (i = 0x0c; i < 0x40; i++)
			t_errno(ioctl(fd, _IOC(_IOC_READ | _IOC_WRITE,
					       TQUEUE_IOC_MAGIC, i, size), argument),
				 ENOTTY);
		for (i = 0x4a; i < 0x100; i++)
			t_errno(ioctl(t_control(), _IOC(_IOC_WRITE, TQUEUE_IOC_MAGIC, i,
							size), argument), ENOTTY);
	}
	t_end(fd);
}

static const struct t_test tests[] = {
	TQ_TEST(shorter_structures),
	TQ_TEST(longer_structures),
	TQ_TEST(unknown_ends),
	TQ_TEST(shorter_structures_of_32_bits),
	TQ_TEST(longer_structures_of_32_bits),
	TQ_TEST(unknown_ends_of_32_bits),
	TQ_TEST(half_there),
	TQ_TEST(results),
	TQ_TEST(batches_of_older_programs),
	TQ_TEST(unknown_numbers),
};

int main(int argc, char **argv)
{
	return t_main("growing", tests, ARRAY_SIZE(tests), argc, argv);
}
