// SPDX-License-Identifier: GPL-2.0-only
/* See calls.h. */
#include "calls.h"

/* ---- named queues ------------------------------------------------------ */

int t_control(void)
{
	static int control = -1;

	if (control < 0) {
		control = open(TQ_CONTROL, O_RDWR | O_CLOEXEC);
		t_true(control >= 0, "open(%s) fails with %s", TQ_CONTROL,
		       strerrorname_np(errno));
	}
	return control;
}

struct tqueue_create t_creation(const char *name)
{
	struct tqueue_create create = { .mode = 0600 };

	t_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(create.name, name);
	return create;
}

int t_create_call(const struct tqueue_create *create)
{
	return ioctl(t_control(), TQUEUE_CTL_CREATE, create);
}

void t_create_with(const char *name, size_t size, unsigned int overflow,
		   unsigned int end_of_file)
{
	struct tqueue_create create = t_creation(name);

	create.config.size = size;
	create.config.overflow = overflow;
	create.config.end_of_file = end_of_file;
	create.config.fields = TQUEUE_CONFIG_SIZE | TQUEUE_CONFIG_OVERFLOW |
			       TQUEUE_CONFIG_END_OF_FILE;
	t_is(t_create_call(&create), 0);
}

void t_create(const char *name, size_t size)
{
	t_create_with(name, size, TQUEUE_OVERFLOW_BLOCK, TQUEUE_EOF_NEVER);
}

static struct tqueue_select selection(const char *name)
{
	struct tqueue_select select = { 0 };

	t_true(strlen(name) <= TQUEUE_NAME_MAX, "the name %s is too long", name);
	strcpy(select.name, name);
	return select;
}

int t_select_call(unsigned long request, const char *name)
{
	struct tqueue_select select = selection(name);

	return ioctl(t_control(), request, &select);
}

int t_remove_call(const char *name, unsigned int flags)
{
	struct tqueue_select select = selection(name);

	select.flags = flags;
	return ioctl(t_control(), TQUEUE_CTL_REMOVE, &select);
}

void t_remove(const char *name)
{
	t_is(t_remove_call(name, 0), 0);
}

void t_remove_all(void)
{
	struct tqueue_info info = { 0 };

	while (!ioctl(t_control(), TQUEUE_CTL_NEXT, &info))
		if (strcmp(info.name, "tqueue"))
			t_remove_call(info.name, TQUEUE_REMOVE_FORCE);
}

char *t_queue_path(const char *name)
{
	static __thread char path[sizeof(TQ_DIRECTORY) + TQUEUE_NAME_MAX + 2];

	snprintf(path, sizeof(path), TQ_DIRECTORY "/%s", name);
	return path;
}

int t_open_queue_call(const char *name, int flags)
{
	return open(t_queue_path(name), flags | O_CLOEXEC);
}

int t_open_queue(const char *name, int flags)
{
	int fd = t_open_queue_call(name, flags);

	t_true(fd >= 0, "open(%s, %#x) fails with %s", t_queue_path(name), flags,
	       strerrorname_np(errno));
	return fd;
}

int t_open_small(const char *name)
{
	t_create(name, TQ_PAGE);
	return t_open_queue(name, O_RDWR);
}

struct tqueue_info t_get(const char *name)
{
	struct tqueue_info info = { 0 };

	strcpy(info.name, name);
	t_is(ioctl(t_control(), TQUEUE_CTL_GET, &info), 0);
	return info;
}

struct tqueue_info t_info(int fd)
{
	struct tqueue_info info;

	memset(&info, 0xa5, sizeof(info));
	t_is(ioctl(fd, TQUEUE_INFO, &info), 0);
	return info;
}

static int set_call(const char *name, const struct tqueue_config *config)
{
	struct tqueue_set set = { .config = *config };

	strcpy(set.name, name);
	return ioctl(t_control(), TQUEUE_CTL_SET, &set);
}

int t_set_call(const char *name, unsigned int fields, uint64_t size,
	       uint64_t max_message)
{
	struct tqueue_config config = {
		.fields = fields, .size = size, .max_message = max_message,
	};

	return set_call(name, &config);
}

int t_policy_call(const char *name, unsigned int fields, unsigned int overflow,
		  unsigned int end_of_file)
{
	struct tqueue_config config = {
		.fields = fields, .overflow = overflow,
		.end_of_file = end_of_file,
	};

	return set_call(name, &config);
}

/* ---- records ------------------------------------------------------------ */

uint64_t t_deadline(double seconds)
{
	return (t_now() + seconds * t_slow()) * 1e9;
}

struct tqueue_record *t_at(void *buf, size_t at)
{
	return (struct tqueue_record *)((char *)buf + at);
}

size_t t_put(void *buf, size_t at, size_t len, uint64_t seed)
{
	struct tqueue_record *record = t_at(buf, at);

	memset(record, 0, t_record(len));
	record->length = len;
	record->header_words = TQUEUE_HEADER_WORDS;
	t_pattern(record->payload, len, seed, 0);
	return at + t_record(len);
}

/* A record that says by itself what the call says for others. */
size_t t_put_extra(void *buf, size_t at, size_t len, uint64_t seed,
		   unsigned int flags, uint64_t key, uint64_t delay)
{
	struct tqueue_record *record = t_at(buf, at);
	struct tqueue_record_extra extra = { .key = key, .delay = delay };
	size_t bytes = t_record(len) + sizeof(extra);

	memset(record, 0, bytes);
	record->length = len;
	record->header_words = TQUEUE_HEADER_WORDS_EXTRA;
	record->flags = flags;
	memcpy(record->payload, &extra, sizeof(extra));
	t_pattern(record->payload + sizeof(extra), len, seed, 0);
	return at + bytes;
}

size_t t_put_many(void *buf, size_t len, uint64_t seed, unsigned int n)
{
	size_t end = 0;

	while (n--)
		end = t_put(buf, end, len, seed++);
	return end;
}

long t_send_call(int fd, void *buf, size_t bytes, uint64_t deadline)
{
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_SEND, &send);
}

long t_receive_call(int fd, void *buf, size_t room, uint64_t deadline)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long t_peek_call(int fd, void *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_PEEK,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

long t_wait_call(int fd, uint64_t id, uint64_t deadline)
{
	struct tqueue_wait wait = { .id = id, .deadline = deadline };

	return ioctl(fd, TQUEUE_WAIT, &wait);
}

void t_record_at(const char *file, int line, void *buf, size_t *at, size_t end,
		 size_t len, uint64_t seed, unsigned int flags)
{
	struct tqueue_record *record = t_at(buf, *at);
	size_t i;

	t_here(file, line);
	if (end - *at < TQ_HEADER || record->length > end - *at - TQ_HEADER)
		t_fail_at(file, line, "no whole record at byte %zu of %zu", *at, end);
	if (record->length != len)
		t_fail_at(file, line, "a record of %u bytes, not of the %zu of message %llu",
			  record->length, len, (unsigned long long)seed);
	if (record->header_words != TQUEUE_HEADER_WORDS || record->priority ||
	    record->reserved || record->delivery)
		t_fail_at(file, line, "header_words %u, priority %u, reserved %u, delivery %u",
			  record->header_words, record->priority,
			   record->reserved, record->delivery);
	if (record->flags != flags)
		t_fail_at(file, line, "flags %#x, not %#x", record->flags, flags);
	if (t_differs(record->payload, len, seed, 0) >= 0)
		t_fail_at(file, line, "byte %zd is not that of message %llu",
			  t_differs(record->payload, len, seed, 0),
			   (unsigned long long)seed);
	for (i = len; i < t_record(len) - TQ_HEADER; i++)
		if (record->payload[i])
			t_fail_at(file, line, "byte %zu of the padding is %#x", i - len,
				  record->payload[i]);
	*at += t_record(len);
}

void t_received_at(const char *file, int line, int fd, unsigned int n,
		   size_t len, uint64_t seed)
{
	size_t room = n * t_record(len), at = 0;
	struct tqueue_receive receive = { .bytes = room, .count = n };
	unsigned char *buf = malloc(room + 64);
	uint64_t last = 0;
	long got;
	size_t i;

	memset(buf, 0xa5, room + 64);
	receive.records = (uintptr_t)buf;
	got = ioctl(fd, TQUEUE_RECEIVE, &receive);
	if (got != (long)n)
		t_fail_at(file, line, "RECEIVE gives %ld (%s), not %u", got,
			  got < 0 ? strerrorname_np(errno) : "", n);
	if (receive.bytes != room)
		t_fail_at(file, line, "%llu bytes, not %zu",
			  (unsigned long long)receive.bytes, room);
	for (i = 0; i < n; i++) {
		uint64_t id = t_at(buf, at)->id;

		if (id <= last)
			t_fail_at(file, line, "id %llu after %llu",
				  (unsigned long long)id, (unsigned long long)last);
		last = id;
		t_record_at(file, line, buf, &at, room, len, seed + i, 0);
	}
	for (i = room; i < room + 64; i++)
		if (buf[i] != 0xa5)
			t_fail_at(file, line, "RECEIVE writes beyond its room");
	free(buf);
}

void t_empty_at(const char *file, int line, int fd)
{
	uint64_t buf[TQ_PAGE / 8];
	long got = t_peek_call(fd, buf, sizeof(buf));

	t_here(file, line);
	if (got != -1 || errno != EAGAIN)
		t_fail_at(file, line, "the queue is not empty: %ld (%s)", got,
			  got < 0 ? strerrorname_np(errno) : "");
}

/* At a quiet point each message that was ever sent is somewhere. */
void t_adds_up_at(const char *file, int line, const struct tqueue_info *info)
{
	uint64_t sum = info->messages + info->leased + info->delayed +
		       info->buried + info->received + info->dropped +
		       info->in_flight;

	if (info->sent != sum)
		t_fail_at(file, line,
			  "%llu were sent, but %llu are ready, %llu leased, %llu delayed, %llu buried, %llu were received, %llu dropped and %u are in flight",
			   (unsigned long long)info->sent,
			   (unsigned long long)info->messages,
			   (unsigned long long)info->leased,
			   (unsigned long long)info->delayed,
			   (unsigned long long)info->buried,
			   (unsigned long long)info->received,
			   (unsigned long long)info->dropped, info->in_flight);
	if (!info->last_id != !info->sent)
		t_fail_at(file, line, "%llu were sent, and the last has id %llu",
			  (unsigned long long)info->sent,
			   (unsigned long long)info->last_id);
}

void t_end_at(const char *file, int line, int fd)
{
	struct tqueue_info info;

	t_empty_at(file, line, fd);
	info = t_info(fd);
	t_adds_up_at(file, line, &info);
	if (info.messages || info.bytes || info.in_flight || info.blocked_senders)
		t_fail_at(file, line,
			  "%llu messages, %llu bytes, %u in flight and %u blocked senders are left",
			   (unsigned long long)info.messages,
			   (unsigned long long)info.bytes,
			   info.in_flight, info.blocked_senders);
	if (info.leased || info.delayed || info.buried || info.leased_bytes ||
	    info.delayed_bytes || info.buried_bytes)
		t_fail_at(file, line,
			  "%llu leased messages (%llu bytes), %llu delayed (%llu) and %llu buried (%llu) are left",
			   (unsigned long long)info.leased,
			   (unsigned long long)info.leased_bytes,
			   (unsigned long long)info.delayed,
			   (unsigned long long)info.delayed_bytes,
			   (unsigned long long)info.buried,
			   (unsigned long long)info.buried_bytes);
	close(fd);
	t_remove(info.name);
}

/* ---- the work queue ------------------------------------------------------- */

static uint64_t send_one(int fd, void *buf, size_t bytes, struct tqueue_send send)
{
	send.records = (uintptr_t)buf;
	send.bytes = bytes;
	send.deadline = TQUEUE_FOREVER;
	t_is(ioctl(fd, TQUEUE_SEND, &send), 1);
	free(buf);
	return send.last_id;
}

uint64_t t_send_priority(int fd, size_t len, uint64_t seed, unsigned int priority)
{
	char *buf = malloc(t_record(len));
	size_t bytes = t_put(buf, 0, len, seed);

	t_at(buf, 0)->priority = priority;
	return send_one(fd, buf, bytes, (struct tqueue_send){ 0 });
}

uint64_t t_send_id(int fd, size_t len, uint64_t seed)
{
	return t_send_priority(fd, len, seed, 0);
}

uint64_t t_send_delayed(int fd, size_t len, uint64_t seed, uint64_t delay)
{
	char *buf = malloc(t_record(len));
	size_t bytes = t_put(buf, 0, len, seed);

	return send_one(fd, buf, bytes, (struct tqueue_send){
		.flags = TQUEUE_SEND_DELAY, .delay = delay });
}

long t_send_unique_call(int fd, size_t len, uint64_t seed, uint64_t key,
			unsigned int flags, uint64_t *id)
{
	char *buf = malloc(t_record(len));
	struct tqueue_send send = {
		.records = (uintptr_t)buf, .bytes = t_put(buf, 0, len, seed),
		.flags = TQUEUE_SEND_UNIQUE | flags, .key = key,
	};
	long got = ioctl(fd, TQUEUE_SEND, &send);

	free(buf);
	if (id)
		*id = send.last_id;
	return got;
}

uint64_t t_send_unique(int fd, size_t len, uint64_t seed, uint64_t key)
{
	uint64_t id;

	t_is(t_send_unique_call(fd, len, seed, key, 0, &id), 1);
	return id;
}

long t_lease_call(int fd, void *buf, size_t room, unsigned int count,
		  uint64_t limit)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_LEASE, .count = count, .limit = limit,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

static struct tqueue_record receive_one(const char *file, int line, int fd, size_t len,
					uint64_t seed, unsigned int flags)
{
	char *buf = malloc(t_record(len) + 64);
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = t_record(len) + 64,
		.flags = flags, .count = 1,
	};
	struct tqueue_record *record = t_at(buf, 0);
	struct tqueue_record header;
	long got = ioctl(fd, TQUEUE_RECEIVE, &receive);

	t_here(file, line);
	if (got != 1)
		t_fail_at(file, line, "RECEIVE gives %ld (%s), not message %llu", got,
			  got < 0 ? strerrorname_np(errno) : "",
			   (unsigned long long)seed);
	if (record->length != len || t_differs(record->payload, len, seed, 0) >= 0)
		t_fail_at(file, line, "not message %llu comes, but one of %u bytes with id %llu and priority %u",
			  (unsigned long long)seed, record->length,
			   (unsigned long long)record->id, record->priority);
	if (!record->delivery == !!(flags & TQUEUE_RECEIVE_LEASE) || !record->id ||
	    record->reserved || record->header_words != TQUEUE_HEADER_WORDS ||
	    record->flags & 0xff)
		t_fail_at(file, line, "delivery %u, id %llu, header_words %u, reserved %u, flags %#x",
			  record->delivery, (unsigned long long)record->id,
			   record->header_words, record->reserved, record->flags);
	header = *record;
	free(buf);
	return header;
}

struct tqueue_record t_lease_at(const char *file, int line, int fd, size_t len,
				uint64_t seed)
{
	return receive_one(file, line, fd, len, seed, TQUEUE_RECEIVE_LEASE);
}

struct tqueue_record t_take_at(const char *file, int line, int fd, size_t len,
			       uint64_t seed)
{
	return receive_one(file, line, fd, len, seed, 0);
}

void t_no_lease_at(const char *file, int line, int fd, int error)
{
	uint64_t buf[TQ_PAGE / 8];

	t_errno_at(file, line, "a lease", t_lease_call(fd, buf, sizeof(buf), 1, 0),
		   error);
}

long t_by_id_call(int fd, uint64_t id, unsigned int flags, void *buf, size_t room)
{
	struct tqueue_receive receive = {
		.records = (uintptr_t)buf, .bytes = room,
		.flags = TQUEUE_RECEIVE_BY_ID | flags, .id = id,
	};

	return ioctl(fd, TQUEUE_RECEIVE, &receive);
}

struct tqueue_settlement t_settlement(const struct tqueue_record *record,
				      unsigned int action)
{
	return (struct tqueue_settlement){
		.id = record->id, .delivery = record->delivery, .action = action,
		.result = 0x5a5a5a5a,
	};
}

long t_settle_call(int fd, struct tqueue_settlement *settlements,
		   unsigned int count)
{
	struct tqueue_settle settle = {
		.settlements = (uintptr_t)settlements, .count = count,
	};

	return ioctl(fd, TQUEUE_SETTLE, &settle);
}

int t_settle_one(int fd, struct tqueue_settlement settlement)
{
	struct tqueue_settlement before = settlement;
	long got;

	settlement.result = 0x5a5a5a5a;
	got = t_settle_call(fd, &settlement, 1);
	t_is(got, settlement.result >= 0);
	before.result = settlement.result;
	t_true(!memcmp(&before, &settlement, sizeof(before)),
	       "SETTLE changes more than the result");
	return settlement.result;
}

int t_settle(int fd, const struct tqueue_record *record, unsigned int action)
{
	return t_settle_one(fd, t_settlement(record, action));
}

int t_settle_unleased(int fd, uint64_t id, unsigned int action)
{
	return t_settle_one(fd, (struct tqueue_settlement){
		.id = id, .action = action, .flags = TQUEUE_SETTLE_UNLEASED });
}

int t_requeue(int fd, const struct tqueue_record *record, uint64_t delay,
	      unsigned int flags)
{
	struct tqueue_settlement settlement = t_settlement(record, TQUEUE_REQUEUE);

	settlement.time = delay;
	settlement.flags = flags;
	return t_settle_one(fd, settlement);
}

long t_kick_call(int fd, uint64_t id, unsigned int count, unsigned int states,
		 unsigned int *left)
{
	struct tqueue_kick kick = { .id = id, .count = count, .states = states,
				    .left = 0x5a5a5a5a };
	long got;

	/* What is an output alone may be anything before. */
	got = ioctl(fd, TQUEUE_KICK, &kick);
	if (left)
		*left = kick.left;
	return got;
}

long t_list_call(int fd, struct tqueue_listed *entries, unsigned int count,
		 uint64_t after, unsigned int states)
{
	struct tqueue_list list = {
		.entries = (uintptr_t)entries, .count = count, .after = after,
		.entry_bytes = sizeof(*entries), .states = states,
	};

	return ioctl(fd, TQUEUE_LIST, &list);
}

struct tqueue_listed t_listed(int fd, uint64_t id)
{
	struct tqueue_listed entry = { 0 };
	long got = t_list_call(fd, &entry, 1, id - 1, 0);

	t_true(got >= 0, "LIST fails with %s", strerrorname_np(errno));
	if (!got || entry.id != id)
		memset(&entry, 0, sizeof(entry));
	return entry;
}

unsigned int t_state(int fd, uint64_t id)
{
	return t_listed(fd, id).state;
}

void t_becomes_at(const char *file, int line, int fd, uint64_t id,
		  unsigned int state)
{
	double end = t_now() + 10 * t_slow();
	unsigned int found;

	while ((found = t_state(fd, id)) != state) {
		if (t_now() > end)
			t_fail_at(file, line, "message %llu stays in state %#x, not %#x",
				  (unsigned long long)id, found, state);
		usleep(500);
	}
}

void t_counts_at(const char *file, int line, int fd, unsigned int ready,
		 unsigned int leased, unsigned int delayed, unsigned int buried)
{
	struct tqueue_info info = t_info(fd);

	if (info.messages != ready || info.leased != leased ||
	    info.delayed != delayed || info.buried != buried)
		t_fail_at(file, line,
			  "%llu ready, %llu leased, %llu delayed, %llu buried; not %u, %u, %u, %u",
			   (unsigned long long)info.messages,
			   (unsigned long long)info.leased,
			   (unsigned long long)info.delayed,
			   (unsigned long long)info.buried, ready, leased, delayed,
			   buried);
	t_adds_up_at(file, line, &info);
}

double t_boot_time(void)
{
	struct timespec now;

	clock_gettime(CLOCK_BOOTTIME, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

void t_set_user(unsigned int uid)
{
	if (setresgid(uid, uid, uid) || setresuid(uid, uid, uid))
		t_fail("cannot become user %u", uid);
}

/* ---- calls that are expected to sleep ------------------------------------- */

static void run_send(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_SEND, task->arg);
	task->error = errno;
}

static void run_receive(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_RECEIVE, task->arg);
	task->error = errno;
}

static void run_wait(struct t_task *task)
{
	task->result = ioctl(task->fd, TQUEUE_WAIT, task->arg);
	task->error = errno;
}

void t_start_send(struct t_batch *batch, int fd, void *buf, size_t bytes,
		  uint64_t deadline)
{
	batch->send = (struct tqueue_send){
		.records = (uintptr_t)buf, .bytes = bytes, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->send;
	t_start(&batch->task, run_send);
}

void t_start_receive(struct t_batch *batch, int fd, void *buf, size_t room,
		     uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_lease(struct t_batch *batch, int fd, void *buf, size_t room,
		   unsigned int count, uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE, .count = count,
		.limit = TQUEUE_FOREVER,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_turn(struct t_batch *batch, int fd, void *buf, size_t room,
		  const struct tqueue_record *record, uint64_t deadline)
{
	batch->receive = (struct tqueue_receive){
		.records = (uintptr_t)buf, .bytes = room, .deadline = deadline,
		.flags = TQUEUE_RECEIVE_LEASE | TQUEUE_RECEIVE_ACK, .count = 1,
		.ack_id = record->id, .ack_delivery = record->delivery,
		.ack_result = 77,
	};
	batch->task.fd = fd;
	batch->task.arg = &batch->receive;
	t_start(&batch->task, run_receive);
}

void t_start_wait(struct t_batch *batch, int fd, uint64_t id,
		  uint64_t deadline)
{
	batch->wait = (struct tqueue_wait){ .id = id, .deadline = deadline };
	batch->task.fd = fd;
	batch->task.arg = &batch->wait;
	t_start(&batch->task, run_wait);
}

void t_blocked_at(const char *file, int line, int fd, unsigned int count)
{
	double end = t_now() + 10 * t_slow();
	unsigned int found;

	while ((found = t_info(fd).blocked_senders) != count) {
		if (t_now() > end)
			t_fail_at(file, line, "%u senders wait for room, not %u", found,
				  count);
		usleep(500);
	}
}

void t_result_at(const char *file, int line, struct t_task *task,
		 ssize_t want, int error)
{
	t_finish_at(file, line, task);
	if (task->result == want && (want >= 0 || task->error == error))
		return;
	t_fail_at(file, line, "the call gives %zd (%s), not %zd (%s)",
		  task->result,
		   task->result < 0 ? strerrorname_np(task->error) : "", want,
		   want < 0 ? strerrorname_np(error) : "");
}
