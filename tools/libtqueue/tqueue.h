/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtqueue: message queues of the tqueue driver, for C programs.
 *
 * A queue is a file descriptor: poll(2), epoll(7), close(2), dup(2), read(2)
 * and write(2) do with it what they do with any other.  libtqueue(3) is the
 * overview, and each call has a page of its own.
 *
 * Unless it says otherwise, a call returns -1 and sets errno when it fails.
 * There is no state in the library, so any thread may make any call; only a
 * struct tqueue_batch is for one thread at a time.
 */
#ifndef TQUEUE_H
#define TQUEUE_H

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <linux/tqueue.h>

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Errors that only this library has.  They are numbers that no call of the
 * driver returns, so that errno tells them from all others.
 *
 * TQUEUE_ENODRIVER: the driver is not loaded.
 * TQUEUE_EOLDDRIVER: the driver that is loaded is older than what was asked
 * of it.
 */
#define TQUEUE_ENODRIVER	ENODEV
#define TQUEUE_EOLDDRIVER	EOPNOTSUPP

/* Bytes of a buffer for one message of @length bytes, its header included. */
#define TQUEUE_RECORD_BYTES(length) \
	(sizeof(struct tqueue_record) + (((size_t)(length) + 7) & ~(size_t)7))

/* Room for the path of any queue. */
#define TQUEUE_PATH_MAX		(sizeof("/dev/tq/") + TQUEUE_NAME_MAX)

/*
 * Names
 *
 * "mail" is /dev/tq/mail, "tqueue" is the default queue /dev/tqueue, and what
 * has a slash in it is taken as a path.
 */

/* 0 if a queue could have that name, else -1: EINVAL or ENAMETOOLONG. */
int tqueue_check_name(const char *name);

/* Where the queue of that name is; 0, or -1: EINVAL, ENAMETOOLONG, ERANGE. */
int tqueue_path(const char *name, char *path, size_t size);

/*
 * An access mode beside O_RDONLY, O_WRONLY and O_RDWR.  Such a file is neither a
 * reader nor a writer, and moves no messages: tqueue_peek(), tqueue_wait(),
 * tqueue_get(), tqueue_set(), tqueue_list_messages(), tqueue_start() and the like
 * work.  It takes the rights to read and to write.
 */
#define TQUEUE_O_LOOK		3

/*
 * Opens a queue; @flags are open(2)'s: O_RDONLY, O_WRONLY or O_RDWR, or
 * TQUEUE_O_LOOK; and O_NONBLOCK.  O_CLOEXEC is always set.  ENOTTY: it is no
 * queue.
 */
int tqueue_open(const char *name, int flags);

/*
 * Deadlines
 *
 * Calls that may sleep take the time at which they give up: nanoseconds of
 * CLOCK_MONOTONIC, 0 for never sleeping (EAGAIN) or TQUEUE_FOREVER.  So a
 * deadline is made once, however many calls share it.
 */

/*
 * The deadline that is so many milliseconds away: as in poll(2), 0 never
 * sleeps and a negative number is for ever.
 */
uint64_t tqueue_deadline(int64_t milliseconds);

/*
 * One message
 */

/* Sends one message, of 0 or more bytes.  Returns 0. */
int tqueue_send(int fd, const void *data, size_t length, uint64_t deadline);

/**
 * struct tqueue_send_options - how a message is sent
 * @size: sizeof(struct tqueue_send_options): fields may be added at the end
 * @flags: TQUEUE_SEND_UNIQUE, TQUEUE_SEND_UNSETTLED; TQUEUE_SEND_DELAY is not needed
 * @priority: 0 (usual) to TQUEUE_PRIORITY_MAX (first)
 * @delay: nanoseconds from the sending on until it is ready, below 2^63; or 0
 * @key: with TQUEUE_SEND_UNIQUE: say tqueue_key() of a text; else 0
 */
struct tqueue_send_options {
	size_t size;
	uint32_t flags;
	uint32_t priority;
	uint64_t delay;
	uint64_t key;
};

/* The options of a message that wants none, for those that are set one by one. */
#define TQUEUE_SEND_OPTIONS_INIT { .size = sizeof(struct tqueue_send_options) }

/*
 * Sends one message with @options (NULL: none).  *@id (if not NULL) becomes its
 * id.  EEXIST: there is a message with its key, and *@id is the id of that.
 */
int tqueue_send_with(int fd, const void *data, size_t length,
		     const struct tqueue_send_options *options,
		     uint64_t deadline, uint64_t *id);

/* A key for a text, or any bytes: their FNV-1a hash of 64 bits, in every release. */
uint64_t tqueue_key(const void *data, size_t length);

/*
 * Receives one message into @record, a buffer of @size bytes, aligned to 8 and at
 * least TQUEUE_RECORD_BYTES(0) large (malloc(3) aligns so).  Returns 1, or 0 at
 * end-of-file.  EMSGSIZE: the message stays where it is, and record->length is
 * the length of message for which there must be room.
 */
int tqueue_receive(int fd, struct tqueue_record *record, size_t size,
		   uint64_t deadline);

/* The same, and leaves the message in the queue. */
int tqueue_peek(int fd, struct tqueue_record *record, size_t size,
		uint64_t deadline);

/*
 * The same for the message of that id, in whatever state, and never waits.
 * ENOENT: there is none.  EBUSY: it is leased, or just being received.
 */
int tqueue_receive_id(int fd, uint64_t id, struct tqueue_record *record,
		      size_t size);
int tqueue_peek_id(int fd, uint64_t id, struct tqueue_record *record,
		   size_t size);

/* The bytes of a message: record->length of them. */
static inline const void *tqueue_payload(const struct tqueue_record *record)
{
	return (const unsigned char *)record + record->header_words * 8U;
}

/*
 * Many messages
 *
 * A batch is a buffer of the caller's in which records stand one behind the
 * other.  Fill it with tqueue_batch_add() and send it, or receive it and walk
 * through it with tqueue_batch_next().
 */

/**
 * struct tqueue_batch - records in a buffer of the caller's
 * @buffer: where they are
 * @size: bytes of @buffer
 * @start: offset of the first record that was not sent or walked over yet
 * @end: offset behind the last record
 * @last_id: of the last send: id of the last message that it sent; after EEXIST, of
 *	the message that has the key
 * @dropped: of the last receive: messages that were dropped since it was told before
 * @needed: after EMSGSIZE of a receive: the size that the buffer needs
 *
 * The fields are for reading; the calls below set them.
 */
struct tqueue_batch {
	unsigned char *buffer;
	size_t size;
	size_t start;
	size_t end;
	uint64_t last_id;
	uint64_t dropped;
	size_t needed;
};

/*
 * An empty batch in a buffer.  If it is not aligned to 8 bytes, its first few
 * are not used.
 */
void tqueue_batch_init(struct tqueue_batch *batch, void *buffer, size_t size);

/*
 * A batch of the records that stand in a buffer already, say in a mapped file.
 * It must be aligned to 8 bytes (EINVAL), and is only read.
 */
int tqueue_batch_load(struct tqueue_batch *batch, const void *records,
		      size_t bytes);

/* Appends a message.  ENOBUFS: there is no room; send first.  EMSGSIZE. */
int tqueue_batch_add(struct tqueue_batch *batch, const void *data,
		     size_t length);

/* The same with @options (NULL: none). */
int tqueue_batch_add_with(struct tqueue_batch *batch, const void *data,
			  size_t length,
			  const struct tqueue_send_options *options);

/*
 * The same without a copy: where the bytes of the next message go, and how many
 * may be put there (NULL: none); then how many were.
 */
void *tqueue_batch_room(const struct tqueue_batch *batch, size_t *room);
int tqueue_batch_commit(struct tqueue_batch *batch, size_t length);

/* Bytes of records that were not sent or walked over yet. */
static inline size_t tqueue_batch_bytes(const struct tqueue_batch *batch)
{
	return batch->end - batch->start;
}

/*
 * Steps to the next record.  Returns 1, or 0 behind the last one.  EBADMSG:
 * what stands there is no record, as in a file that is torn; the walk is over.
 */
int tqueue_batch_next(struct tqueue_batch *batch,
		      const struct tqueue_record **record);

/*
 * Sends the messages of a batch, as many as there is room for, and waits only
 * while that is none.  Returns how many; what is left is sent by the next call.
 * EEXIST: batch->last_id has the key of the first that is left, over which
 * tqueue_batch_next() steps.
 */
int tqueue_send_batch(int fd, struct tqueue_batch *batch, uint64_t deadline);

/*
 * Receives messages in place of what is in the batch: as many as there are and
 * as fit, at most @count if that is not 0.  Waits only while there is none.
 * Returns how many, or 0 at end-of-file.
 */
int tqueue_receive_batch(int fd, struct tqueue_batch *batch, uint32_t count,
			 uint64_t deadline);

/* The same, and leaves the messages in the queue. */
int tqueue_peek_batch(int fd, struct tqueue_batch *batch, uint32_t count,
		      uint64_t deadline);

/*
 * Leases
 *
 * A leased message stays with the open file until it is settled, its @limit passes
 * (nanoseconds; 0: the queue's lease_limit, TQUEUE_FOREVER: none), or the last copy
 * of the file is closed; then it goes back to its place.  Its id and
 * record->delivery settle it, through any file of the queue that is open for
 * reading.  ESTALE: that delivery is over.  ENOENT: there is no such message.
 */

/* As tqueue_receive(), with a lease.  ENOSPC: max_leased of the queue is reached. */
int tqueue_lease(int fd, struct tqueue_record *record, size_t size,
		 uint64_t limit, uint64_t deadline);
int tqueue_lease_id(int fd, uint64_t id, struct tqueue_record *record,
		    size_t size, uint64_t limit);

/*
 * As tqueue_receive_batch(), with a lease of each.  Each delivery is to be begun
 * (tqueue_begin(), tqueue_extend()) before its message is worked on.
 */
int tqueue_lease_batch(int fd, struct tqueue_batch *batch, uint32_t count,
		       uint64_t limit, uint64_t deadline);

/*
 * Acknowledges the message in @record, unless record->delivery is 0, and leases the
 * next one into its place, in one system call.  *@result (if not NULL): 0, or why
 * that was not acknowledged: ESTALE, ENOENT.  If no message came record->delivery
 * is 0: the next call acknowledges nothing.
 */
int tqueue_next(int fd, struct tqueue_record *record, size_t size,
		uint64_t limit, uint64_t deadline, int *result);

/* The message is done, and gone. */
int tqueue_acknowledge(int fd, uint64_t id, uint32_t delivery);

/*
 * The same for all records in the buffer of a batch that was leased, those that were
 * walked over, too.  Returns how many were acknowledged.
 */
int tqueue_acknowledge_batch(int fd, const struct tqueue_batch *batch);

/*
 * It goes back to its place, at once or after @delay; or it is put aside until it is
 * kicked.  @code is the worker's own, and shown by tqueue_list_messages().  @flags:
 * TQUEUE_SETTLE_UNCOUNTED; or, with a delivery of 0, TQUEUE_SETTLE_UNLEASED or
 * TQUEUE_SETTLE_FORCE.  Both return what became of it: TQUEUE_RESULT_*.
 */
int tqueue_requeue(int fd, uint64_t id, uint32_t delivery, uint64_t delay,
		   int32_t code, unsigned int flags);
int tqueue_bury(int fd, uint64_t id, uint32_t delivery, int32_t code,
		unsigned int flags);

/* The lease lasts for @limit from now on, and its delivery has begun. */
int tqueue_extend(int fd, uint64_t id, uint32_t delivery, uint64_t limit);

/* The delivery has begun: if the message comes back it was an attempt. */
int tqueue_begin(int fd, uint64_t id, uint32_t delivery);

/*
 * The lease moves to a file of its own, which is returned.  It lasts as long as that
 * file is open anywhere; poll(2) says POLLHUP when it is over.
 */
int tqueue_hold(int fd, uint64_t id, uint32_t delivery);

/*
 * Many settlements, each with a result of its own.  Returns how many of these are
 * not negative.
 */
int tqueue_settle(int fd, struct tqueue_settlement *settlements, uint32_t count);

/*
 * The messages of a queue
 */

/*
 * Makes messages ready: at most @count (0: all), lowest ids first, up to @id
 * (TQUEUE_FOREVER: all), that are in one of @states: TQUEUE_BURIED,
 * TQUEUE_DELAYED.  Returns how many; *@left (if not NULL): how many stay buried as
 * others have their keys.
 */
int tqueue_kick(int fd, uint64_t id, uint32_t count, unsigned int states,
		uint32_t *left);

/*
 * What messages there are behind the id @after (0: from the first one) in those
 * @states (0: in any), in the order of ids, without any effect on them.  Returns how
 * many of at most @count were filled in; 0 behind the last one.  @size:
 * sizeof(struct tqueue_listed).
 */
int tqueue_list_messages(int fd, struct tqueue_listed *messages, size_t size,
			 uint32_t count, uint64_t after, unsigned int states);

/*
 * An open queue.  tqueue_set(), tqueue_start(), tqueue_stop(), tqueue_pause() and
 * tqueue_resume() are for its owner and for the administrator.
 */

/*
 * Waits until all messages up to that id are settled: received whole,
 * acknowledged, dropped or buried.
 * TQUEUE_FOREVER for all that were sent before this call.
 */
int tqueue_wait(int fd, uint64_t id, uint64_t deadline);

int tqueue_get(int fd, struct tqueue_info *info);
int tqueue_set(int fd, const struct tqueue_config *config);
int tqueue_start(int fd);
int tqueue_stop(int fd);

/* From a paused queue nothing is received; all else goes on. */
int tqueue_pause(int fd);
int tqueue_resume(int fd);

/*
 * All queues
 */

/*
 * The names of all queues, sorted, a null pointer behind the last.  One free(3)
 * frees it all.  NULL: it failed.
 */
char **tqueue_list(void);

/*
 * What anyone may know about a queue, without opening it: what is not known
 * that way (features, last_id) is 0.
 */
int tqueue_get_by_name(const char *name, struct tqueue_info *info);

/* Opens /dev/tqueue-control, by default for root; loads the driver if need be. */
int tqueue_control_open(int flags);

/* TQUEUE_FEATURE_* of the driver that runs. */
int tqueue_control_features(int control, uint64_t *features);

/*
 * Makes a queue.  Without @config it gets the defaults; @uid and @gid of -1 are
 * the caller's.
 */
int tqueue_control_create(int control, const char *name,
			  const struct tqueue_config *config,
			  uid_t uid, gid_t gid, mode_t mode);

/* Removes a queue; @flags: TQUEUE_REMOVE_FORCE or 0. */
int tqueue_control_remove(int control, const char *name, unsigned int flags);

int tqueue_control_set(int control, const char *name,
		       const struct tqueue_config *config);
int tqueue_control_start(int control, const char *name);
int tqueue_control_stop(int control, const char *name);
int tqueue_control_pause(int control, const char *name);
int tqueue_control_resume(int control, const char *name);
int tqueue_control_get(int control, const char *name, struct tqueue_info *info);

/*
 * The queue that follows info->name in the order of names, the first one if
 * that is empty.  Returns 1, or 0 behind the last one.
 */
int tqueue_control_next(int control, struct tqueue_info *info);

/*
 * Errors
 */

/* What an error of these calls means; a constant text. */
const char *tqueue_strerror(int error);

/*
 * The same in the words of one queue, with what can be done about it: "mail:
 * there is no such queue; ...".  Writes at most @size bytes, and returns @text.
 */
char *tqueue_explain(const char *name, int error, char *text, size_t size);

/*
 * The same of an error that concerns one message: "mail: it already has a message
 * with that key: number 17; ...".
 */
char *tqueue_explain_message(const char *name, uint64_t id, int error,
			     char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* TQUEUE_H */
