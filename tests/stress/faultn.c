// SPDX-License-Identifier: GPL-2.0-only
/*
 * Each kind of system call on a queue with the first, the second, the third ...
 * thing in it failing that may fail (/proc/thread-self/fail-nth: allocations and
 * copies from and to user space), until one goes through with nothing left to
 * fail. After each try the queue holds exactly what the result of the call says,
 * and the error is one that makes sense. What leaks on the way is for kmemleak.
 *
 * Before that each kind of call says what can fail in it inside the driver, and
 * that is counted: a copy that nothing lets fail (Linux injects no fault into
 * __copy_from_user_inatomic(), for one) must not pass for one that was tried.
 *
 * Needs a kernel with fault injection, filtered by stack trace.
 *
 * It is one file of more than 700 lines because it is a long list of short things:
 * for each kind of call what comes before it, the call, and what must hold after it.
 */
#include "faultn.h"
#include "uring.h"

static struct uring ring;

/* ---- sending ------------------------------------------------------------------ */

static void sent_or_not(ssize_t result)
{
	if (result > 0)
		t_receive(fd, result, 1);
	t_nothing();
	t_is(t_value("bytes"), 0);
}

static void make_message(void)
{
	t_pattern(buf, 1000, 1, 0);
}

static ssize_t call_write(void)
{
	return write(fd, buf, 1000);
}

static void write_fast(void)
{
	try_all(make_message, call_write, sent_or_not, 1000, 0, COPY | LEAN);
}

static void map_file(void)
{
	t_true(mmap(fresh, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, file, 0) ==
		fresh, "mmap fails");
}

static ssize_t call_write_fresh(void)
{
	return write(fd, fresh, 1000);
}

static void write_not_resident(void)
{
	try_all(map_file, call_write_fresh, sent_or_not, 1000, 0, COPY);
}

static ssize_t call_writev(void)
{
	struct iovec parts[3] = { { buf, 10 }, { buf + 10, 500 }, { buf + 510, 490 } };

	return writev(fd, parts, 3);
}

static void write_vector(void)
{
	try_all(make_message, call_writev, sent_or_not, 1000, 0, COPY | LEAN);
}

static pthread_t helper;
static size_t filled;

static void *help_reading(void *arg)
{
	t_sleep_ms(5);
	t_receive(fd, 4056, 100);
	return arg;
}

static void fill(void)
{
	make_message();
	filled = t_fill(4056, 100);
	t_is(filled, 4);
	t_is(pthread_create(&helper, NULL, help_reading, NULL), 0);
}

static void empty(size_t from, ssize_t result)
{
	for (; from < filled; from++)
		t_receive(fd, 4056, 100 + from);
	sent_or_not(result);
}

static void after_waiting(ssize_t result)
{
	pthread_join(helper, NULL);
	empty(1, result);
	close(other);
}

static void fill_and_open(void)
{
	other = t_open(O_WRONLY);
	fill();
}

static ssize_t call_write_other(void)
{
	return write(other, buf, 1000);
}

static void write_waiting(void)
{
	try_all(fill_and_open, call_write_other, after_waiting, 1000,
		0, MEMORY | COPY);
}

static ssize_t call_write_large(void)
{
	return write(other, buf, 4056);
}

static void after_large(ssize_t result)
{
	size_t i;

	pthread_join(helper, NULL);
	for (i = 1; i < filled; i++)
		t_receive(fd, 4056, 100 + i);
	if (result > 0)
		t_receive(fd, 4056, 1);
	t_nothing();
	t_is(t_value("bytes"), 0);
	close(other);
}

static void fill_for_large(void)
{
	fill_and_open();
	t_pattern(buf, 4056, 1, 0);
}

static void write_large_waiting(void)
{
	try_all(fill_for_large, call_write_large, after_large, 4056,
		0, MEMORY | COPY);
}

/* ---- sending past blocked senders -------------------------------------------- */

static void *help_blocking(void *arg)
{
	t_send(other, 1000, 2);
	return arg;
}

static void fill_and_block(void)
{
	double late = t_now() + 10 * t_slow();

	make_message();
	filled = t_fill(4056, 100);
	other = t_open(O_WRONLY);
	t_is(pthread_create(&helper, NULL, help_blocking, NULL), 0);
	while (!t_info(fd).blocked_senders)
		t_true(t_now() < late, "the sender does not block");
}

/* It came before the one that is blocked, or not at all. */
static void after_passing(ssize_t result)
{
	size_t i;

	for (i = 0; i < filled; i++)
		t_receive(fd, 4056, 100 + i);
	if (result > 0)
		t_receive(fd, 1000, 1);
	pthread_join(helper, NULL);
	t_receive(fd, 1000, 2);
	t_nothing();
	t_is(t_value("bytes"), 0);
	t_is(t_poll(fd, POLLOUT), POLLOUT);
	close(other);
}

static void write_past_blocked(void)
{
	try_all(fill_and_block, call_write, after_passing, 1000, 0, MEMORY | COPY);
}

static void fill_only(void)
{
	make_message();
	filled = t_fill(4056, 100);
}

static void after_refused(ssize_t result)
{
	t_is(result, -1);
	empty(0, result);
}

static void write_refused(void)
{
	try_all(fill_only, call_write, after_refused, -1, EAGAIN, LEAN);
}

/* ---- receiving ------------------------------------------------------------------ */

static void send_one(void)
{
	t_send(fd, 1000, 1);
	memset(buf, 0, 4096);
}

static void right(const void *from, ssize_t len, size_t offset)
{
	if (len > 0)
		t_is(t_differs(from, len, 1, offset), -1);
}

/* What was not received is still there. */
static void received_or_not(ssize_t result)
{
	right(buf, result, 0);
	if (result <= 0)
		t_receive(fd, 1000, 1);
	else if (result < 1000)
		t_receive_rest(fd, 1000 - result, 1, result);
	t_nothing();
	t_is(t_value("bytes"), 0);
	t_is(t_value("messages"), 0);
}

static ssize_t call_read(void)
{
	return read(fd, buf, 4096);
}

static void read_whole(void)
{
	try_all(send_one, call_read, received_or_not, 1000, 0, COPY | LEAN);
}

static ssize_t call_readv(void)
{
	struct iovec parts[3] = { { buf, 10 }, { buf + 10, 500 }, { buf + 510, 4000 } };

	return readv(fd, parts, 3);
}

static void read_vector(void)
{
	try_all(send_one, call_readv, received_or_not, 1000, 0, COPY | LEAN);
}

static void send_one_unmap(void)
{
	send_one();
	t_is(madvise(fresh, 1 << 16, MADV_DONTNEED), 0);
}

static ssize_t call_read_fresh(void)
{
	return read(fd, fresh, 1 << 16);
}

static void received_fresh(ssize_t result)
{
	if (result > 0)
		memcpy(buf, fresh, result);
	received_or_not(result);
}

static void read_not_resident(void)
{
	try_all(send_one_unmap, call_read_fresh, received_fresh, 1000, 0, COPY);
}

static ssize_t call_read_short(void)
{
	return read(fd, buf, 100);
}

static void read_short(void)
{
	try_all(send_one, call_read_short, received_or_not, 100,
		0, MEMORY | COPY);
}

static void read_a_part(void)
{
	send_one();
	t_is(read(fd, buf, 100), 100);
}

static void rest_or_not(ssize_t result)
{
	right(buf, result, 100);
	if (result <= 0)
		t_receive_rest(fd, 900, 1, 100);
	else if (result < 900)
		t_receive_rest(fd, 900 - result, 1, 100 + result);
	t_nothing();
}

static void read_rest(void)
{
	try_all(read_a_part, call_read, rest_or_not, 900, 0, COPY);
}

static void read_part_of_rest(void)
{
	try_all(read_a_part, call_read_short, rest_or_not, 100, 0, COPY);
}

/* A rest that came back is received by somebody else. */
static void return_a_rest(void)
{
	char part[100];

	other = t_open(O_RDWR);
	send_one();
	t_is(read(other, part, 100), 100);
	close(other);
}

static void read_returned(void)
{
	try_all(return_a_rest, call_read, rest_or_not, 900, 0, COPY);
}

static void *help_sending(void *arg)
{
	t_sleep_ms(5);
	t_send(fd, 1000, 1);
	return arg;
}

static void open_and_wait(void)
{
	other = t_open(O_RDWR);
	memset(buf, 0, 4096);
	t_is(pthread_create(&helper, NULL, help_sending, NULL), 0);
}

static ssize_t call_read_other(void)
{
	return read(other, buf, 4096);
}

static void after_read_waiting(ssize_t result)
{
	pthread_join(helper, NULL);
	received_or_not(result);
	close(other);
}

static void read_waiting(void)
{
	try_all(open_and_wait, call_read_other, after_read_waiting, 1000,
		0, COPY | LEAN);
}

static ssize_t call_read_other_short(void)
{
	return read(other, buf, 100);
}

static void after_short_waiting(ssize_t result)
{
	pthread_join(helper, NULL);
	right(buf, result, 0);
	close(other);
	if (result > 0)
		t_receive_rest(fd, 1000 - result, 1, result);
	else
		t_receive(fd, 1000, 1);
	t_nothing();
}

static void read_short_waiting(void)
{
	try_all(open_and_wait, call_read_other_short, after_short_waiting, 100,
		0, MEMORY | COPY);
}

static void read_nothing(void)
{
	try_all(NULL, call_read, NULL, -1, EAGAIN, LEAN);
}

/* ---- batches ----------------------------------------------------------------------- */

/* So many as the call said are there, and no others. */
static void sent_so_many(ssize_t result)
{
	if (result > 0)
		t_received(fd, result, BATCH_LENGTH, 1);
	t_nothing();
	t_is(t_value("bytes"), 0);
}

static ssize_t call_send_batch(void)
{
	return t_send_call(fd, buf, BATCH_BYTES, 0);
}

static void send_batch(void)
{
	try_all(make_batch, call_send_batch, sent_so_many, BATCH, 0, COPY | LEAN);
}

static void map_batch(void)
{
	t_true(mmap(fresh, 4096, PROT_READ, MAP_PRIVATE | MAP_FIXED, batch_file,
		    0) == fresh, "mmap fails");
}

static ssize_t call_send_fresh(void)
{
	return t_send_call(fd, fresh, BATCH_BYTES, 0);
}

static void send_batch_not_resident(void)
{
	try_all(map_batch, call_send_fresh, sent_so_many, BATCH, 0, COPY);
}

static ssize_t call_send_waiting(void)
{
	return t_send_call(other, buf, BATCH_BYTES, TQUEUE_FOREVER);
}

static void fill_and_make_batch(void)
{
	fill_and_open();
	make_batch();
}

static void after_send_waiting(ssize_t result)
{
	size_t i;

	pthread_join(helper, NULL);
	for (i = 1; i < filled; i++)
		t_receive(fd, 4056, 100 + i);
	sent_so_many(result);
	close(other);
}

static void send_batch_waiting(void)
{
	try_all(fill_and_make_batch, call_send_waiting, after_send_waiting,
		BATCH, 0, MEMORY | COPY);
}

static void send_five(void)
{
	make_batch();
	t_is(t_send_call(fd, buf, BATCH_BYTES, 0), BATCH);
	memset(buf, 0, 8192);
}

/* So many as the call said were received, and the others are there. */
static void received_from(char *from, ssize_t result)
{
	size_t at = 0;
	int i;

	if (result < 0)
		result = 0;
	for (i = 0; i < result; i++)
		t_record_is(from, &at, 1 << 16, BATCH_LENGTH, 1 + i, 0);
	if (result < BATCH)
		t_received(fd, BATCH - result, BATCH_LENGTH, 1 + result);
	t_nothing();
	t_is(t_value("bytes"), 0);
	t_is(t_value("messages"), 0);
}

static void received_so_many(ssize_t result)
{
	received_from(buf, result);
}

static ssize_t call_receive_batch(void)
{
	return t_receive_call(fd, buf, 8192, 0);
}

static void receive_batch(void)
{
	try_all(send_five, call_receive_batch, received_so_many, BATCH,
		0, COPY | LEAN);
}

static void send_five_unmap(void)
{
	send_five();
	t_is(madvise(fresh, 1 << 16, MADV_DONTNEED), 0);
}

static ssize_t call_receive_fresh(void)
{
	return t_receive_call(fd, fresh, 1 << 16, 0);
}

static void received_fresh_batch(ssize_t result)
{
	received_from(fresh, result);
}

static void receive_batch_not_resident(void)
{
	try_all(send_five_unmap, call_receive_fresh, received_fresh_batch,
		BATCH, 0, COPY);
}

static ssize_t call_peek(void)
{
	return t_peek_call(fd, buf, 8192);
}

static void nothing_received(ssize_t result)
{
	(void)result;
	received_so_many(0);
}

static void peek_batch(void)
{
	try_all(send_five, call_peek, nothing_received, BATCH, 0, COPY);
}

static void *help_receiving(void *arg)
{
	t_sleep_ms(5);
	t_receive(fd, 1000, 1);
	return arg;
}

static void send_one_and_help(void)
{
	other = t_open(O_RDWR);
	send_one();
	t_is(pthread_create(&helper, NULL, help_receiving, NULL), 0);
}

static ssize_t call_wait(void)
{
	return t_wait_call(other, TQUEUE_FOREVER, TQUEUE_FOREVER);
}

static void after_wait(ssize_t result)
{
	(void)result;
	pthread_join(helper, NULL);
	close(other);
}

static void wait_until_done(void)
{
	try_all(send_one_and_help, call_wait, after_wait, 0, 0, COPY | LEAN);
}

/* ---- policies, and queues by name ---------------------------------------------------- */

static void set_overflow(unsigned int overflow)
{
	t_is(t_policy_call("tqueue", TQUEUE_CONFIG_OVERFLOW, overflow, 0), 0);
}

static void fill_and_drop(void)
{
	fill_only();
	set_overflow(TQUEUE_OVERFLOW_DROP_OLDEST);
}

/* What cannot be sent costs nothing. */
static void dropped_or_not(ssize_t result)
{
	empty(result > 0, result);
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
}

static void write_dropping(void)
{
	try_all(fill_and_drop, call_write, dropped_or_not, 1000, 0, COPY);
}

static void write_vector_dropping(void)
{
	try_all(fill_and_drop, call_writev, dropped_or_not, 1000, 0, COPY);
}

static void fill_and_drop_for_batch(void)
{
	fill_and_drop();
	make_batch();
}

static void dropped_for_batch(ssize_t result)
{
	size_t i;

	for (i = result > 0; i < filled; i++)
		t_receive(fd, 4056, 100 + i);
	for (i = 1; (ssize_t)i <= result; i++)
		t_receive(fd, BATCH_LENGTH, i);
	t_nothing();
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
}

static void send_batch_dropping(void)
{
	try_all(fill_and_drop_for_batch, call_send_batch, dropped_for_batch, BATCH,
		0, COPY);
}

static struct tqueue_receive telling;

static void fill_drop_and_unmap(void)
{
	/* Drops that nobody was told of yet. */
	t_send(fd, 1, 1);
	t_is(t_receive_call(fd, buf, 1000, 0), 1);
	fill_and_drop();
	t_is(write(fd, buf, 1000), 1000);
	t_is(t_info(fd).messages, filled);
	t_is(madvise(fresh, 1 << 16, MADV_DONTNEED), 0);
}

static ssize_t call_receive_telling(void)
{
	telling = (struct tqueue_receive){
		.records = (uintptr_t)fresh, .bytes = 1 << 16, .count = 2,
	};
	return ioctl(fd, TQUEUE_RECEIVE, &telling);
}

/* One was dropped, and that is told once. */
static void told_once(ssize_t result)
{
	uint64_t told = result > 0 ? telling.dropped : 0;
	size_t at = 0;
	ssize_t i;

	for (i = 0; i < result; i++)
		t_record_is(fresh, &at, 1 << 16, 4056, 101 + i,
			    i ? 0 : TQUEUE_FLAG_DROPPED);
	if (result < 0)
		result = 0;
	while (result < (ssize_t)filled) {
		ssize_t more = call_receive_telling();

		t_true(more > 0, "RECEIVE gives %zd (%s)", more, strerror(errno));
		told += telling.dropped;
		result += more;
	}
	t_is(told, 1);
	set_overflow(TQUEUE_OVERFLOW_BLOCK);
}

static void receive_telling(void)
{
	try_all(fill_drop_and_unmap, call_receive_telling, told_once, 2, 0, COPY);
}

static ssize_t call_set_owner(void)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_OWNER | TQUEUE_CONFIG_NO_READER,
		.no_reader = TQUEUE_NO_READER_ERROR,
		.uid = 1000,
	};

	return ioctl(fd, TQUEUE_SET, &config);
}

static void owned_or_not(ssize_t result)
{
	struct tqueue_config config = {
		.fields = TQUEUE_CONFIG_OWNER | TQUEUE_CONFIG_NO_READER,
	};
	struct tqueue_info info = t_info(fd);

	t_is(info.uid, result ? 0 : 1000);
	t_is(info.no_reader,
	     result ? TQUEUE_NO_READER_KEEP : TQUEUE_NO_READER_ERROR);
	t_is(ioctl(fd, TQUEUE_SET, &config), 0);
	received_so_many(0);
}

static void set_owner(void)
{
	try_all(send_five, call_set_owner, owned_or_not, 0, 0, COPY | LEAN);
}

static ssize_t call_resize(void)
{
	return t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 65536, 0);
}

static void resized_or_not(ssize_t result)
{
	t_is(t_get("tqueue").size, result ? 16384 : 65536);
	received_so_many(0);
	t_is(t_set_call("tqueue", TQUEUE_CONFIG_SIZE, 16384, 0), 0);
}

static void resize_it(void)
{
	try_all(send_five, call_resize, resized_or_not, 0, 0, MEMORY | COPY);
}

static ssize_t call_stop_and_start(void)
{
	if (t_select_call(TQUEUE_CTL_STOP, "tqueue"))
		return -1;
	return t_select_call(TQUEUE_CTL_START, "tqueue");
}

static void started_again(ssize_t result)
{
	if (result)
		t_is(t_select_call(TQUEUE_CTL_START, "tqueue"), 0);
	received_so_many(0);
}

static void stop_and_start(void)
{
	try_all(send_five, call_stop_and_start, started_again, 0, 0, COPY);
}

#define NAME "fault"

static ssize_t call_create(void)
{
	struct tqueue_create create = t_creation(NAME);

	create.config.fields = TQUEUE_CONFIG_SIZE;
	create.config.size = 4096;
	return t_create_call(&create);
}

static void created_or_not(ssize_t result)
{
	struct tqueue_info info = { .name = NAME };

	if (!result) {
		t_is(strcmp(t_get(NAME).name, NAME), 0);
		t_remove(NAME);
	}
	t_errno(ioctl(t_control(), TQUEUE_CTL_GET, &info), ENOENT);
	t_errno(access(t_queue_path(NAME), F_OK), ENOENT);
	t_errno(access("/sys/class/tqueue/" NAME, F_OK), ENOENT);
}

static void create_it(void)
{
	try_all(NULL, call_create, created_or_not, 0, 0, MEMORY | COPY);
}

static void create_and_use(void)
{
	char part[10];

	t_is(call_create(), 0);
	other = t_open_queue(NAME, O_RDWR);
	t_fill_file(other, TQ_SMALL_MAX, 1);
	t_is(read(other, part, sizeof(part)), sizeof(part));
}

static ssize_t call_remove(void)
{
	return t_remove_call(NAME, TQUEUE_REMOVE_FORCE);
}

static void removed_or_not(ssize_t result)
{
	if (result)
		t_is(call_remove(), 0);
	t_errno(write(other, "x", 1), EIDRM);
	close(other);
	/* The kernel leaves a node whose path it has no memory to spell. */
	t_errno(open(t_queue_path(NAME), O_RDWR), access(t_queue_path(NAME), F_OK) ?
		 ENOENT : ENXIO);
	unlink(t_queue_path(NAME));
}

static void remove_it(void)
{
	try_all(create_and_use, call_remove, removed_or_not, 0, 0, COPY);
}

static ssize_t call_open_named(void)
{
	other = t_open_queue_call(NAME, O_RDWR);
	return other < 0 ? -1 : 0;
}

static void create_only(void)
{
	t_is(call_create(), 0);
}

static void close_and_remove(ssize_t result)
{
	if (!result)
		close(other);
	t_remove(NAME);
}

static void open_named(void)
{
	try_all(create_only, call_open_named, close_and_remove, 0, 0, MEMORY);
}

/* Opened neither to read nor to write. */
static ssize_t call_look(void)
{
	struct tqueue_info info;
	ssize_t result = -1;
	int error;

	other = open(TQ_DEVICE, 3);
	if (other < 0)
		return -1;
	if (!ioctl(other, TQUEUE_INFO, &info))
		result = t_peek_call(other, buf, 8192);
	error = errno;
	close(other);
	errno = error;
	return result;
}

static void looked(ssize_t result)
{
	struct tqueue_info info = t_info(fd);

	(void)result;
	t_is(info.writers, 1);
	t_is(info.messages, BATCH);
	received_so_many(0);
}

static void look_at_it(void)
{
	try_all(send_five, call_look, looked, BATCH, 0, MEMORY | COPY);
}

/* ---- messages that do not go through the ring -------------------------------------- */

#define LARGE		300000
#define LARGE_ROOM	524288

static char *large;

/* A queue of its own for them, beside the one that all tests have. */
static void try_large(void (*before)(void), ssize_t (*call)(void),
		      void (*after)(ssize_t result), ssize_t result, int sees)
{
	large = t_shared(LARGE_ROOM);
	t_create(NAME, 1 << 21);
	other = t_open_queue(NAME, O_RDWR | O_NONBLOCK);
	try_all(before, call, after, result, 0, sees);
	close(other);
	t_remove(NAME);
}

static void large_gone(void)
{
	struct tqueue_info info = t_info(other);

	t_adds_up(other);
	t_is(info.messages, 0);
	t_is(info.bytes, 0);
	t_is(info.in_flight, 0);
}

static void make_large(void)
{
	t_pattern(large, LARGE, 1, 0);
}

static ssize_t call_write_piece(void)
{
	return write(other, large, LARGE);
}

static void large_or_not(ssize_t result)
{
	if (result > 0) {
		memset(large, 0, LARGE);
		t_is(read(other, large, LARGE_ROOM), LARGE);
		t_is(t_differs(large, LARGE, 1, 0), -1);
	}
	large_gone();
}

static void write_large(void)
{
	try_large(make_large, call_write_piece, large_or_not, LARGE, MEMORY | COPY);
}

static void make_large_record(void)
{
	t_put(large, 0, LARGE, 1);
}

static ssize_t call_send_large(void)
{
	return t_send_call(other, large, t_record(LARGE), 0);
}

static void send_large(void)
{
	try_large(make_large_record, call_send_large, large_or_not, 1,
		  MEMORY | COPY);
}

static void put_large(void)
{
	make_large();
	t_is(write(other, large, LARGE), LARGE);
	memset(large, 0, LARGE_ROOM);
}

static ssize_t call_read_large(void)
{
	return read(other, large, LARGE_ROOM);
}

/* What was not received is still there, whole. */
static void received_large(ssize_t result)
{
	if (result < 0) {
		memset(large, 0, LARGE);
		result = 0;
	}
	if (result < LARGE)
		t_is(read(other, large + result, LARGE_ROOM - result),
		     LARGE - result);
	t_is(t_differs(large, LARGE, 1, 0), -1);
	large_gone();
}

static void read_large(void)
{
	try_large(put_large, call_read_large, received_large, LARGE, COPY);
}

static ssize_t call_read_large_part(void)
{
	return read(other, large, 1000);
}

static void read_large_part(void)
{
	try_large(put_large, call_read_large_part, received_large, 1000, COPY);
}

static ssize_t call_receive_large(void)
{
	return t_receive_call(other, large, LARGE_ROOM, 0);
}

static void received_large_record(ssize_t result)
{
	size_t at = 0;

	if (result < 0)
		t_is(call_receive_large(), 1);
	t_record_is(large, &at, LARGE_ROOM, LARGE, 1, 0);
	large_gone();
}

static void receive_large(void)
{
	try_large(put_large, call_receive_large, received_large_record, 1, COPY);
}

static ssize_t call_peek_large(void)
{
	return t_peek_call(other, large, LARGE_ROOM);
}

static void peeked_large(ssize_t result)
{
	(void)result;
	received_large(-1);
}

static void peek_large(void)
{
	try_large(put_large, call_peek_large, peeked_large, 1, COPY);
}

static ssize_t call_info(void)
{
	struct tqueue_info info = { 0 };

	if (ioctl(fd, TQUEUE_INFO, &info))
		return -1;
	memset(&info, 0, sizeof(info));
	if (ioctl(t_control(), TQUEUE_CTL_NEXT, &info))
		return -1;
	return ioctl(t_control(), TQUEUE_CTL_GET, &info);
}

static void received_one(ssize_t result)
{
	(void)result;
	t_receive(fd, 1000, 1);
}

static void ask_for_info(void)
{
	try_all(send_one, call_info, received_one, 0, 0, COPY);
}

/* ---- pipes and files ---------------------------------------------------------------- */

static ssize_t call_splice_out(void)
{
	return splice(fd, NULL, pipes[1], NULL, 4096, 0);
}

static void after_splice_out(ssize_t result)
{
	char part[4096];

	if (result > 0) {
		t_is(read(pipes[0], part, sizeof(part)), result);
		memcpy(buf, part, result);
	} else {
		t_errno(read(pipes[0], part, sizeof(part)), EAGAIN);
	}
	received_or_not(result);
}

static void splice_out(void)
{
	try_all(send_one, call_splice_out, after_splice_out, 1000, 0, MEMORY);
}

static ssize_t call_splice_out_part(void)
{
	return splice(fd, NULL, pipes[1], NULL, 100, 0);
}

static void splice_out_part(void)
{
	try_all(send_one, call_splice_out_part, after_splice_out, 100, 0, MEMORY);
}

/* One that does not block makes the whole splice so. */
static void open_and_wait_for_pipe(void)
{
	open_and_wait();
	t_is(fcntl(pipes[1], F_SETFL, 0), 0);
}

static ssize_t call_splice_other(void)
{
	return splice(other, NULL, pipes[1], NULL, 4096, 0);
}

static void after_splice_waiting(ssize_t result)
{
	pthread_join(helper, NULL);
	after_splice_out(result);
	close(other);
}

static void splice_out_waiting(void)
{
	try_all(open_and_wait_for_pipe, call_splice_other, after_splice_waiting,
		1000, 0, MEMORY);
}

static void fill_pipe(void)
{
	make_message();
	t_is(write(pipes[1], buf, 1000), 1000);
}

static ssize_t call_splice_in(void)
{
	return splice(pipes[0], NULL, fd, NULL, 1000, 0);
}

static void after_splice_in(ssize_t result)
{
	if (result <= 0) {
		memset(buf, 0, 4096);
		t_is(read(pipes[0], buf, 4096), 1000);
		right(buf, 1000, 0);
	}
	sent_or_not(result);
	t_errno(read(pipes[0], buf, 4096), EAGAIN);
}

static void splice_in(void)
{
	try_all(fill_pipe, call_splice_in, after_splice_in, 1000, 0, MEMORY);
}

static ssize_t call_sendfile(void)
{
	off_t at = 0;

	return sendfile(fd, file, &at, 1000);
}

static void send_from_file(void)
{
	try_all(NULL, call_sendfile, sent_or_not, 1000, 0, MEMORY);
}

/* ---- io_uring ------------------------------------------------------------------------ */

static ssize_t uring_result(bool *there)
{
	uint64_t name;
	int result;

	*there = uring_take(&ring, &name, &result);
	if (!*there)
		return -1;
	if (result >= 0)
		return result;
	errno = -result == ECANCELED ? ENOMEM : -result;
	return -1;
}

static int uring_op;

/* Whatever the fault hit, the request ends one way or the other: -2, not yet. */
static ssize_t call_uring(void)
{
	ssize_t result;
	bool there;
	int error;

	uring_put(&ring, uring_op, fd, buf, uring_op == IORING_OP_READ ? 4096 : 1000,
		  n);
	uring_enter(&ring, 1);
	error = errno;
	result = uring_result(&there);
	errno = there ? errno : error;
	return there ? result : -2;
}

static void uring_try(int op, void (*before)(void),
		      void (*after)(ssize_t result))
{
	int failed = 0;

	prepare();
	if (!uring_open(&ring, 4))
		t_skip("io_uring_setup: %s", strerror(errno));
	uring_op = op;
	see(before, call_uring, after, COPY);
	for (n = 1;; n++) {
		ssize_t result;
		bool happened, there;

		before();
		arm(n);
		result = call_uring();
		happened = disarm();
		while (result == -2) {
			t_true(happened, "a request does not end without a fault");
			uring_enter(&ring, 1);
			result = uring_result(&there);
			if (!there)
				result = -2;
		}
		if (result < 0) {
			failed++;
			if (!happened || (!makes_sense(errno) && errno != EAGAIN))
				t_fail("fault %u (%s): fails with %s", n,
				       happened ? "happened" : "did not happen",
					strerror(errno));
		}
		after(result);
		if (!happened)
			break;
		t_true(n < MANY, "%d faults, and no end", MANY);
	}
	uring_close(&ring);
	t_nothing();
	fprintf(stderr, "# %u faults, %d of them made it fail\n", n - 1, failed);
}

static void uring_write(void)
{
	uring_try(IORING_OP_WRITE, make_message, sent_or_not);
}

static void uring_read(void)
{
	uring_try(IORING_OP_READ, send_one, received_or_not);
}

/* ---- all the rest --------------------------------------------------------------------- */

static ssize_t call_open(void)
{
	other = open(TQ_DEVICE, O_RDWR);
	return other < 0 ? -1 : 0;
}

static void close_other(ssize_t result)
{
	if (result >= 0)
		close(other);
}

static void open_it(void)
{
	try_all(NULL, call_open, close_other, 0, 0, MEMORY);
}

static void open_other_with_rest(void)
{
	char part[100];

	other = t_open(O_RDWR);
	send_one();
	t_is(read(other, part, 100), 100);
}

static void after_close(ssize_t result)
{
	t_is(result, 0);
	t_receive_rest(fd, 900, 1, 100);
}

static void close_with_rest(void)
{
	try_all(open_other_with_rest, call_close, after_close, 0, 0, LEAN);
}

static ssize_t call_poll(void)
{
	struct pollfd one = { .fd = fd, .events = POLLIN | POLLOUT };

	return poll(&one, 1, 0);
}

static void still_there(ssize_t result)
{
	(void)result;
	t_receive(fd, 1000, 1);
}

static void poll_it(void)
{
	try_all(send_one, call_poll, still_there, 1, 0, LEAN);
}

static void make_epoll(void)
{
	other = epoll_create1(0);
}

static ssize_t call_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLOUT };

	return epoll_ctl(other, EPOLL_CTL_ADD, fd, &event);
}

static void close_epoll(ssize_t result)
{
	(void)result;
	close(other);
}

static void epoll_it(void)
{
	try_all(make_epoll, call_epoll, close_epoll, 0, 0, MEMORY);
}

static void open_other(void)
{
	other = t_open(O_RDWR | O_NONBLOCK);
}

static ssize_t call_async(void)
{
	return fcntl(other, F_SETFL, O_NONBLOCK | O_ASYNC);
}

static void after_async(ssize_t result)
{
	t_is(!!(fcntl(other, F_GETFL) & O_ASYNC), result == 0);
	close(other);
}

static void ask_for_signals(void)
{
	try_all(open_other, call_async, after_async, 0, 0, MEMORY);
}

static ssize_t call_fionread(void)
{
	int bytes = 0;

	if (ioctl(fd, FIONREAD, &bytes))
		return -1;
	return bytes;
}

static void ask_for_length(void)
{
	try_all(send_one, call_fionread, still_there, 1000, 0, LEAN);
}

static ssize_t call_mmap(void)
{
	return mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0;
}

static void map_it(void)
{
	try_all(NULL, call_mmap, NULL, -1, ENODEV, LEAN);
}

static ssize_t read_file(const char *path)
{
	char text[1000];
	int from = open(path, O_RDONLY);
	ssize_t got;
	int error;

	if (from < 0)
		return -1;
	got = read(from, text, sizeof(text));
	error = errno;
	close(from);
	errno = error;
	return got > 0 ? 1 : got;
}

static ssize_t call_sysfs(void)
{
	return read_file("/sys/class/tqueue/tqueue/messages");
}

static void look_in_sysfs(void)
{
	try_all(NULL, call_sysfs, NULL, 1, 0, LEAN);
}

static ssize_t call_fdinfo(void)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	return read_file(path);
}

static void look_in_fdinfo(void)
{
	try_all(NULL, call_fdinfo, NULL, 1, 0, LEAN);
}

static void unloaded(void)
{
	t_true(!t_module_loaded(), "the module is loaded though loading failed");
	t_errno(access("/sys/class/tqueue", F_OK), ENOENT);
	t_errno(access(TQ_DEVICE, F_OK), ENOENT);
}

/* Where the code of a function of the kernel lies. */
static unsigned long code_of(const char *name, unsigned long *end)
{
	unsigned long start = 0, address;
	FILE *symbols = fopen("/proc/kallsyms", "r");
	char symbol[512];
	int pass;

	t_true(symbols, "cannot read /proc/kallsyms");
	*end = ULONG_MAX;
	for (pass = 0; pass < 2; pass++) {
		rewind(symbols);
		while (fscanf(symbols, "%lx %*c %511s%*[^\n]", &address, symbol) == 2) {
			if (!pass && !strcmp(symbol, name))
				start = address;
			if (pass && address > start && address < *end)
				*end = address;
		}
	}
	fclose(symbols);
	t_true(start, "this kernel has no function %s", name);
	return start;
}

/* How many things can fail in loading, of those between two addresses. */
static unsigned int load_counting(int ko, unsigned long start, unsigned long end)
{
	unsigned int found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(injectors); i++)
		only_between(injectors[i], start, end);
	arm(NEVER);
	t_is(syscall(SYS_finit_module, ko, "size_l=16384", 0), 0);
	found = counted();
	t_is(t_unload(), 0);
	return found;
}

static _Atomic int *racing;	/* opens that failed as they have to; -1: enough */

/* Opens whatever there is for a moment: it holds up loading that fails, if at all. */
static void open_always(void *arg)
{
	static const char * const nodes[] = { TQ_DEVICE, TQ_CONTROL };
	unsigned int i;

	(void)arg;
	for (i = 0; atomic_load(racing) >= 0; i++) {
		int node = open(nodes[i % ARRAY_SIZE(nodes)], O_RDWR | O_NONBLOCK);

		if (node >= 0) {
			close(node);
			/* Leaves a gap, that there may be an unloading. */
			usleep(2000);
			continue;
		}
		t_true(errno == ENOENT || errno == ENXIO || errno == ENODEV,
		       "open: %s", strerror(errno));
		if (errno == ENXIO)
			atomic_fetch_add(racing, 1);
	}
}

static void unload_at_last(void)
{
	double late = t_now() + 10 * t_slow();
	int error;

	while ((error = t_unload())) {
		t_true(error == EAGAIN || error == EBUSY,
		       "unloading fails with %s", strerror(error));
		t_true(t_now() < late, "the module does not unload");
		usleep(500);
	}
}

/*
 * Loading has many hundred things to fail, most of them before the driver is
 * asked. Of interest are those below the call of its init function: counted by
 * stack trace, and tried from the last one on, for as long as there is time and
 * until one has made loading fail.  Meanwhile somebody opens what appears, which
 * must neither succeed nor be left behind where loading fails.
 */
static void load_it(void)
{
	const char *module = t_module_file(), *dot = module ? strrchr(module, '.') : "";
	double late = t_now() + 2 * option_seconds;
	unsigned int total, below, last, failed = 0;
	unsigned long start, end;
	pid_t opener;
	int ko;

	if (strcmp(dot, ".ko"))
		t_skip("TQUEUE_KO names no module that is not compressed");
	t_is(t_unload(), 0);
	prepare();
	ko = open(module, O_RDONLY);
	t_true(ko >= 0, "cannot open %s", module);
	start = code_of("do_one_initcall", &end);
	below = load_counting(ko, start, end);
	total = load_counting(ko, 0, ULONG_MAX);
	racing = t_shared(sizeof(*racing));
	opener = t_fork(open_always, NULL);
	/* A few come after it, and their number is not always the same. */
	last = total > below + 20 ? total - below - 20 : 0;
	for (n = total; n > last && (!failed || t_now() < late); n--) {
		long result;
		int error;

		arm(n);
		result = syscall(SYS_finit_module, ko, "size_l=16384", 0);
		error = errno;
		disarm();
		if (!result) {
			unload_at_last();
		} else {
			t_true(makes_sense(error), "fault %u of %u: fails with %s",
			       n, total, strerror(error));
			failed++;
		}
		unloaded();
	}
	fprintf(stderr, "# %u faults in the driver, faults %u to %u tried, %u made it fail, %d opens in between\n",
		below, n + 1, total, failed, atomic_exchange(racing, -1));
	t_reap(opener);
	t_true(failed, "no fault made loading fail");
	t_is(t_load("size_l=16384"), 0);
	fd = t_open(O_RDWR | O_NONBLOCK);
	t_send(fd, 1000, 1);
	t_receive(fd, 1000, 1);
}

int main(int argc, char **argv)
{
	static const struct t_test tests[] = {
		KIND(write_fast), KIND(write_not_resident), KIND(write_vector),
		KIND(write_waiting), KIND(write_large_waiting), KIND(write_refused),
		KIND(write_past_blocked),
		KIND(read_whole), KIND(read_vector), KIND(read_not_resident),
		KIND(read_short), KIND(read_rest), KIND(read_part_of_rest),
		KIND(read_returned), KIND(read_waiting), KIND(read_short_waiting),
		KIND(send_batch), KIND(send_batch_not_resident),
		KIND(send_batch_waiting), KIND(receive_batch),
		KIND(receive_batch_not_resident), KIND(peek_batch),
		KIND(wait_until_done), KIND(write_dropping),
		KIND(write_vector_dropping), KIND(send_batch_dropping),
		KIND(receive_telling),
		KIND(set_owner), KIND(look_at_it), KIND(resize_it),
		KIND(write_large), KIND(send_large), KIND(read_large),
		KIND(read_large_part), KIND(receive_large), KIND(peek_large),
		KIND(stop_and_start), KIND(create_it), KIND(remove_it),
		KIND(open_named), KIND(ask_for_info),
		KIND(read_nothing), KIND(splice_out), KIND(splice_out_part),
		KIND(splice_out_waiting), KIND(splice_in),
		KIND(send_from_file), KIND(uring_write), KIND(uring_read),
		KIND(open_it), KIND(close_with_rest), KIND(poll_it), KIND(epoll_it),
		KIND(ask_for_signals), KIND(ask_for_length), KIND(map_it),
		KIND(look_in_sysfs), KIND(look_in_fdinfo),
		{ .name = "load_it", .run = load_it, .params = "size_l=16384",
		  .seconds = 60, .logs = true, .reloads = true },
	};

	argc = options(argc, argv, 20);
	return t_main("faultn", tests, ARRAY_SIZE(tests), argc, argv);
}
