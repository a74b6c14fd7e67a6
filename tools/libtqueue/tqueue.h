/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libtqueue: message queues of the tqueue driver, for C programs.
 *
 * A queue is a file descriptor: poll(2), epoll(7), close(2), dup(2), read(2)
 * and write(2) work as on any other file.  libtqueue(3) is the overview, and
 * each call has a manual page.
 *
 * Unless stated otherwise, a call that fails returns -1 and sets errno.  The
 * library has no state, so any thread can make any call.  Only a
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
 * Errors of this library.  The driver never returns these numbers.
 *
 * TQUEUE_ENODRIVER: the driver is not loaded.
 * TQUEUE_EOLDDRIVER: the loaded driver is too old for this call.
 */
#define TQUEUE_ENODRIVER	ENODEV
#define TQUEUE_EOLDDRIVER	EOPNOTSUPP

/* The size of a buffer for one message of @length bytes, with its header. */
#define TQUEUE_RECORD_BYTES(length) \
	(sizeof(struct tqueue_record) + (((size_t)(length) + 7) & ~(size_t)7))

/* The size of a buffer for the path of any queue. */
#define TQUEUE_PATH_MAX		(sizeof("/dev/tq/") + TQUEUE_NAME_MAX)

/*
 * Names
 *
 * "mail" is /dev/tq/mail, and "tqueue" is the default queue /dev/tqueue.  A name
 * with a slash is a path.
 */

/* Returns 0 if the name is valid, else -1: EINVAL or ENAMETOOLONG. */
int tqueue_check_name(const char *name);

/* Writes the path of a queue.  Returns 0, or -1: EINVAL, ENAMETOOLONG, ERANGE. */
int tqueue_path(const char *name, char *path, size_t size);

/*
 * An access mode beside O_RDONLY, O_WRONLY and O_RDWR.  Such a file is neither a
 * reader nor a writer, and cannot move messages.  tqueue_peek(), tqueue_wait(),
 * tqueue_get(), tqueue_set(), tqueue_list_messages(), tqueue_start() and others
 * work.  Opening it needs the permission to read and to write.
 */
#define TQUEUE_O_LOOK		3

/*
 * Opens a queue.  @flags: O_RDONLY, O_WRONLY, O_RDWR or TQUEUE_O_LOOK, and
 * perhaps O_NONBLOCK.  O_CLOEXEC is always set.  ENOTTY: this is not a queue.
 */
int tqueue_open(const char *name, int flags);

/*
 * Deadlines
 *
 * Calls that can sleep take the time at which they give up: nanoseconds of
 * CLOCK_MONOTONIC; 0 for never sleeping (EAGAIN); or TQUEUE_FOREVER.  Several
 * calls can share a deadline.
 */

/*
 * The deadline @milliseconds from now.  As in poll(2), 0 never sleeps, and a
 * negative number sleeps for ever.
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
 * @delay: nanoseconds after which the message becomes ready, below 2^63; or 0
 * @key: with TQUEUE_SEND_UNIQUE, for example tqueue_key() of a text; else 0
 */
struct tqueue_send_options {
	size_t size;
	uint32_t flags;
	uint32_t priority;
	uint64_t delay;
	uint64_t key;
};

/* Initializes options: all defaults. */
#define TQUEUE_SEND_OPTIONS_INIT { .size = sizeof(struct tqueue_send_options) }

/*
 * Sends one message with @options (NULL: none).  Stores its id in *@id (if not
 * NULL).  EEXIST: the message *@id has its key already.
 */
int tqueue_send_with(int fd, const void *data, size_t length,
		     const struct tqueue_send_options *options,
		     uint64_t deadline, uint64_t *id);

/* A key for any bytes: their 64-bit FNV-1a hash.  It is the same in every release. */
uint64_t tqueue_key(const void *data, size_t length);

/*
 * Receives one message into @record, a buffer of @size bytes that is aligned to 8
 * bytes (as malloc(3) does) and has at least TQUEUE_RECORD_BYTES(0) bytes.
 * Returns 1, or 0 at end of file.  EMSGSIZE: the message stays in the queue, and
 * record->length is the length that the buffer must have room for.
 */
int tqueue_receive(int fd, struct tqueue_record *record, size_t size,
		   uint64_t deadline);

/* The same, but leaves the message in the queue. */
int tqueue_peek(int fd, struct tqueue_record *record, size_t size,
		uint64_t deadline);

/*
 * The same for the message with this id, in any state; never waits.  ENOENT:
 * there is none.  EBUSY: it is leased or being received.
 */
int tqueue_receive_id(int fd, uint64_t id, struct tqueue_record *record,
		      size_t size);
int tqueue_peek_id(int fd, uint64_t id, struct tqueue_record *record,
		   size_t size);

/* The payload of a message: record->length bytes. */
static inline const void *tqueue_payload(const struct tqueue_record *record)
{
	return (const unsigned char *)record + record->header_words * 8U;
}

/*
 * Many messages
 *
 * A batch is a buffer of the caller with consecutive records.  Fill it with
 * tqueue_batch_add() and send it; or receive it and go through it with
 * tqueue_batch_next().
 */

/**
 * struct tqueue_batch - records in a buffer of the caller
 * @buffer: the buffer
 * @size: bytes of @buffer
 * @start: offset of the first record that was not sent or passed yet
 * @end: offset of the end of the last record
 * @last_id: after a send: the id of the last message that was sent; after EEXIST: of
 *	the message that has the key
 * @dropped: after a receive: how many messages were dropped since that was last
 *	reported
 * @needed: after a receive with EMSGSIZE: the size that the buffer must have
 *
 * Callers may read the fields.  The calls below set them.
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
 * Makes an empty batch in a buffer.  If the buffer is not aligned to 8 bytes, its
 * first few bytes are not used.
 */
void tqueue_batch_init(struct tqueue_batch *batch, void *buffer, size_t size);

/*
 * Makes a batch of records that are already in a buffer, for example in a mapped
 * file.  The buffer must be aligned to 8 bytes (EINVAL), and is only read.
 */
int tqueue_batch_load(struct tqueue_batch *batch, const void *records,
		      size_t bytes);

/* Adds a message.  ENOBUFS: there is no room; send first.  EMSGSIZE. */
int tqueue_batch_add(struct tqueue_batch *batch, const void *data,
		     size_t length);

/* The same with @options (NULL: none). */
int tqueue_batch_add_with(struct tqueue_batch *batch, const void *data,
			  size_t length,
			  const struct tqueue_send_options *options);

/*
 * The same without a copy.  The first call returns where the payload of the next
 * message goes, and in *@room how long it can be; or NULL if there is no room.  The
 * second call says how long it is.
 */
void *tqueue_batch_room(const struct tqueue_batch *batch, size_t *room);
int tqueue_batch_commit(struct tqueue_batch *batch, size_t length);

/* Bytes of records that were not sent or passed yet. */
static inline size_t tqueue_batch_bytes(const struct tqueue_batch *batch)
{
	return batch->end - batch->start;
}

/*
 * Passes the next record.  Returns 1, or 0 after the last one.  EBADMSG: there is
 * no valid record, for example in a truncated file; nothing follows.
 */
int tqueue_batch_next(struct tqueue_batch *batch,
		      const struct tqueue_record **record);

/*
 * Sends messages of a batch, as many as there is room for.  Waits only if there is
 * no room for the first one.  Returns how many were sent; the next call sends the
 * rest.  EEXIST: the message batch->last_id has the key of the first one, which
 * tqueue_batch_next() can pass.
 */
int tqueue_send_batch(int fd, struct tqueue_batch *batch, uint64_t deadline);

/*
 * Receives messages and replaces the content of the batch: as many as there are and
 * as fit, but at most @count if that is not 0.  Waits only if there is none.
 * Returns how many, or 0 at end of file.
 */
int tqueue_receive_batch(int fd, struct tqueue_batch *batch, uint32_t count,
			 uint64_t deadline);

/* The same, but leaves the messages in the queue. */
int tqueue_peek_batch(int fd, struct tqueue_batch *batch, uint32_t count,
		      uint64_t deadline);

/*
 * Leases
 *
 * A leased message belongs to the open file until it is settled, its @limit passes
 * (nanoseconds; 0: the queue's lease_limit; TQUEUE_FOREVER: none), or the last copy
 * of the file is closed.  After the limit or the close it goes back to its place.
 * Its id and record->delivery settle it, through any file of the queue that is open
 * for reading.  ESTALE: this delivery is over.  ENOENT: there is no such message.
 */

/* As tqueue_receive(), but leases.  ENOSPC: max_leased of the queue is reached. */
int tqueue_lease(int fd, struct tqueue_record *record, size_t size,
		 uint64_t limit, uint64_t deadline);
int tqueue_lease_id(int fd, uint64_t id, struct tqueue_record *record,
		    size_t size, uint64_t limit);

/*
 * As tqueue_receive_batch(), but leases each message.  Call tqueue_begin() or
 * tqueue_extend() for each one before you work on it.
 */
int tqueue_lease_batch(int fd, struct tqueue_batch *batch, uint32_t count,
		       uint64_t limit, uint64_t deadline);

/*
 * Acknowledges the message in @record, unless record->delivery is 0, and leases the
 * next one into @record, in one system call.  Stores 0 in *@result (if not NULL), or
 * why the message was not acknowledged: ESTALE, ENOENT.  If there is no next message,
 * record->delivery is 0, so that the next call acknowledges nothing.
 */
int tqueue_next(int fd, struct tqueue_record *record, size_t size,
		uint64_t limit, uint64_t deadline, int *result);

/* Acknowledges a message: the work is done, and the message is gone. */
int tqueue_acknowledge(int fd, uint64_t id, uint32_t delivery);

/*
 * The same for all records in the buffer of a leased batch, including those that were
 * passed.  Returns how many were acknowledged.
 */
int tqueue_acknowledge_batch(int fd, const struct tqueue_batch *batch);

/*
 * Requeues a message at its place, at once or after @delay; or buries it until it is
 * kicked.  tqueue_list_messages() shows @code.  @flags: TQUEUE_SETTLE_UNCOUNTED; or,
 * with the delivery 0, TQUEUE_SETTLE_UNLEASED or TQUEUE_SETTLE_FORCE.  Both return
 * what happened: TQUEUE_RESULT_*.
 */
int tqueue_requeue(int fd, uint64_t id, uint32_t delivery, uint64_t delay,
		   int32_t code, unsigned int flags);
int tqueue_bury(int fd, uint64_t id, uint32_t delivery, int32_t code,
		unsigned int flags);

/* Sets the limit of a lease, from now on.  Its delivery has begun. */
int tqueue_extend(int fd, uint64_t id, uint32_t delivery, uint64_t limit);

/* Begins a delivery: if the message comes back, it counts as an attempt. */
int tqueue_begin(int fd, uint64_t id, uint32_t delivery);

/*
 * Moves a lease to a file of its own, and returns its descriptor.  The lease lasts
 * while any copy of that file is open; poll(2) reports POLLHUP when it is over.
 */
int tqueue_hold(int fd, uint64_t id, uint32_t delivery);

/*
 * Carries out settlements, each with its own result.  Returns how many results are
 * not negative.
 */
int tqueue_settle(int fd, struct tqueue_settlement *settlements, uint32_t count);

/*
 * The messages of a queue
 */

/*
 * Makes messages ready that are in one of @states (TQUEUE_BURIED, TQUEUE_DELAYED):
 * at most @count (0: all), with ids up to @id (TQUEUE_FOREVER: all), lowest ids
 * first.  Returns how many.  Stores in *@left (if not NULL) how many stay buried
 * because other messages have their keys.
 */
int tqueue_kick(int fd, uint64_t id, uint32_t count, unsigned int states,
		uint32_t *left);

/*
 * Lists messages whose ids are above @after (0: all) and that are in one of @states
 * (0: any), in the order of ids.  Does not change them.  Returns how many of @count
 * entries were filled; 0 after the last one.  @size: sizeof(struct tqueue_listed).
 */
int tqueue_list_messages(int fd, struct tqueue_listed *messages, size_t size,
			 uint32_t count, uint64_t after, unsigned int states);

/*
 * An open queue.  tqueue_set(), tqueue_start(), tqueue_stop(), tqueue_pause() and
 * tqueue_resume() are for the owner of the queue and for the administrator.
 */

/*
 * Waits until all messages up to @id are settled: received whole, acknowledged,
 * dropped or buried.  TQUEUE_FOREVER: all that were sent before this call.
 */
int tqueue_wait(int fd, uint64_t id, uint64_t deadline);

int tqueue_get(int fd, struct tqueue_info *info);
int tqueue_set(int fd, const struct tqueue_config *config);
int tqueue_start(int fd);
int tqueue_stop(int fd);

/* A paused queue gives out no messages.  Everything else goes on. */
int tqueue_pause(int fd);
int tqueue_resume(int fd);

/*
 * All queues
 */

/*
 * The sorted names of all queues, followed by a null pointer.  One free(3) frees
 * everything.  Returns NULL on failure.
 */
char **tqueue_list(void);

/*
 * Describes a queue without opening it, for every user.  Fields that are not known
 * that way (features, last_id) are 0.
 */
int tqueue_get_by_name(const char *name, struct tqueue_info *info);

/* Opens /dev/tqueue-control, by default for root.  Loads the driver if needed. */
int tqueue_control_open(int flags);

/* TQUEUE_FEATURE_* of the loaded driver. */
int tqueue_control_features(int control, uint64_t *features);

/*
 * Creates a queue.  Without @config it gets the defaults.  -1 as @uid or @gid stands
 * for those of the caller.
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
 * Describes the queue that follows info->name in the order of names, or the first
 * one if that is empty.  Returns 1, or 0 after the last one.
 */
int tqueue_control_next(int control, struct tqueue_info *info);

/*
 * Errors
 */

/* What an error of these calls means, as a constant text. */
const char *tqueue_strerror(int error);

/*
 * The same for a queue, with the cure: "mail: no such queue (create it with ...)".
 * Writes at most @size bytes, and returns @text.
 */
char *tqueue_explain(const char *name, int error, char *text, size_t size);

/*
 * The same for an error that concerns one message: "mail: message 17 already has
 * this key (...)".
 */
char *tqueue_explain_message(const char *name, uint64_t id, int error,
			     char *text, size_t size);

#ifdef __cplusplus
}
#endif

#endif /* TQUEUE_H */
