// SPDX-License-Identifier: GPL-2.0-only
/*
 * The parts of the command that need no driver: sizes and times, settings, the
 * files of queues, formats.  Prints PASS or FAIL and the name of each test.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../harness/check.h"
#include "../units/run.h"

#include "../../tools/tqueue/conf.h"
#include "../../tools/tqueue/fields.h"
#include "../../tools/tqueue/format.h"
#include "../../tools/tqueue/units.h"
#include "../../tools/tqueue/utf8.h"

static void sizes(void)
{
	static const struct {
		const char *text;
		uint64_t size;
	} good[] = {
		{ "0", 0 }, { "1", 1 }, { "4096", 4096 }, { "4096B", 4096 },
		{ "1K", 1024 }, { "1k", 1024 }, { "1KiB", 1024 }, { "1kB", 1000 }, { "1KB", 1000 },
		{ "2M", 2097152 }, { "2MiB", 2097152 }, { "2MB", 2000000 },
		{ "1G", 1ULL << 30 }, { "3T", 3ULL << 40 }, { "1GB", 1000000000 },
		{ "18446744073709551609", 18446744073709551609ULL },
		{ "16777215T", 16777215ULL << 40 },
	};
	static const char *const bad[] = {
		"", " ", "-1", "+1", "1 K", "1m", "1X", "K", "1Ki", "1KiBB", "1.5M", "0x10",
		"18446744073709551616", "99999999999999999999999", "16777216T", "1KK", "1M ",
	};
	char text[32];
	uint64_t size;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		size = 12345;
		t_true(!parse_size(good[i].text, &size), "%s", good[i].text);
		t_true(size == good[i].size, "%s: %llu", good[i].text, (unsigned long long)size);
		/* What is written is what is read. */
		format_size(size, text, sizeof(text));
		t_true(!parse_size(text, &size) && size == good[i].size, "%s", text);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		t_true(parse_size(bad[i], &size), "'%s'", bad[i]);
	format_size(65536, text, sizeof(text));
	t_true(!strcmp(text, "64K"), "%s", text);
	format_size(65537, text, sizeof(text));
	t_true(!strcmp(text, "65537"), "%s", text);
	format_size_short(12899999, text, sizeof(text));
	t_true(!strcmp(text, "12.3 MiB"), "%s", text);
	format_size_short(1023, text, sizeof(text));
	t_true(!strcmp(text, "1023 B"), "%s", text);
}

static void durations(void)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "0", 0 }, { "5", 5000000000 }, { "5s", 5000000000 }, { "200ms", 200000000 },
		{ "1min", 60000000000 }, { "1m", 60000000000 }, { "1min 30s", 90000000000 },
		{ "1min30s", 90000000000 }, { "1h", 3600000000000 }, { "2 hours", 7200000000000 },
		{ "1.5h", 5400000000000 }, { ".5", 500000000 }, { "0.25s", 250000000 },
		{ "1d", 86400000000000 }, { "10us", 10000 }, { "10\302\265s", 10000 }, { "7ns", 7 },
		{ " 3 sec ", 3000000000 }, { "infinity", UNITS_FOREVER },
		{ "0.123456789123", 123456789 },
	};
	static const char *const bad[] = {
		"", " ", "soon", "5x", "-5", "s", "1..5", "1.", "5 minutesx", "infinity 5",
		"99999999999999999999", "18446744074", "18446744073709551615ns", "5,5",
	};
	static const struct {
		uint64_t ns;
		const char *text, *shortly;
	} written[] = {
		{ 0, "0", "0ms" }, { 1, "1ns", "0ms" }, { 1500000000, "1s 500ms", "1500ms" },
		{ 90000000000, "1min 30s", "90s" }, { 5400000000000, "1h 30min", "90min" },
		{ 86400000000000, "1d", "24h" }, { 864000000000000, "1w 3d", "10d" },
		{ 7200000000000, "2h", "2h" }, { 604800000000001, "1w 1ns", "7d" },
		{ UNITS_FOREVER - 1, "30500w 3d 23h 34min 33s 709ms 551us 614ns", "213503d" },
	};
	char text[128];
	uint64_t ns;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		ns = 12345;
		t_true(!parse_duration(good[i].text, &ns), "%s", good[i].text);
		t_true(ns == good[i].ns, "%s: %llu", good[i].text, (unsigned long long)ns);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		t_true(parse_duration(bad[i], &ns), "'%s'", bad[i]);

	/* What is written is what is read, in the fewest units. */
	for (i = 0; i < ARRAY_SIZE(written); i++) {
		format_duration(written[i].ns, text, sizeof(text));
		t_true(!strcmp(text, written[i].text), "%s, not %s", text, written[i].text);
		t_true(!parse_duration(text, &ns) && ns == written[i].ns, "%s", text);
		format_duration_short(written[i].ns, text, sizeof(text));
		t_true(!strcmp(text, written[i].shortly), "%s, not %s", text, written[i].shortly);
	}
}

static void settings(void)
{
	static const struct {
		enum setting which;
		const char *good, *bad;
	} values[] = {
		{ SETTING_SIZE, "64K", "0" },
		{ SETTING_SIZE, "4095", "some" },
		{ SETTING_MAX_MESSAGE, "0", "-1" },
		{ SETTING_OVERFLOW, "drop-oldest", "drop" },
		{ SETTING_OVERFLOW, "block", "Block" },
		{ SETTING_END_OF_FILE, "last-writer", "1" },
		{ SETTING_NO_READER, "error", "errors" },
		{ SETTING_NO_READER, "keep", "" },
		{ SETTING_TTL, "1h 30min", "-1" },
		{ SETTING_TTL, "infinity", "soon" },
		{ SETTING_TTL, "30ms", "9223372037" },
		{ SETTING_ON_EXPIRED, "bury", "kept" },
		{ SETTING_MAX_ATTEMPTS, "65535", "65536" },
		{ SETTING_MAX_ATTEMPTS, "infinity", "" },
		{ SETTING_ON_EXHAUSTED, "drop", "lose" },
		{ SETTING_LEASE_LIMIT, "30s", "x" },
		{ SETTING_MAX_LEASED, "4294967295", "4294967296" },
		{ SETTING_MAX_BURIED, "0", "-1" },
		{ SETTING_UNIQUE, "queue", "all" },
		{ SETTING_OWNER, "nobody", "" },
		{ SETTING_GROUP, "0",
		  "a-name-of-more-than-sixty-three-characters-which-nobody-ever-had-here" },
		{ SETTING_MODE, "0660", "0000" },
		{ SETTING_MODE, "0006", "0770" },
		{ SETTING_MODE, "0600", "rw" },
		{ SETTING_MODE, "0444", "660 " },
		{ SETTING_MODE, "0222", "888" },
	};
	struct settings some, none = { 0 };
	char text[128], wrong[128];
	uid_t uid;
	gid_t gid;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(values); i++) {
		memset(&some, 0, sizeof(some));
		t_true(setting_assign(&some, values[i].which, values[i].bad), "%s", values[i].bad);
		t_ok(!some.given);
		t_true(!setting_assign(&some, values[i].which, values[i].good),
		       "%s", values[i].good);
		t_ok(some.given == 1U << values[i].which);
		setting_text(&some, values[i].which, text, sizeof(text));
		t_true(!strcmp(text, values[i].good), "%s", text);
	}
	t_ok(!settings_config(&none).fields);
	t_ok(!setting_assign(&none, SETTING_OWNER, "root"));
	t_ok(!setting_assign(&none, SETTING_GROUP, "4294967293"));
	t_ok(!settings_owners(&none, &uid, &gid, wrong, sizeof(wrong)));
	t_ok(uid == 0 && gid == 4294967293U);
	/* The two highest numbers stand for nobody at all. */
	t_ok(!setting_assign(&none, SETTING_GROUP, "4294967295"));
	t_ok(settings_owners(&none, &uid, &gid, wrong, sizeof(wrong)));
	t_true(strstr(wrong, "4294967295"), "%s", wrong);
}

/* What conf_read() complained of. */
static char complaints[4096];

static void complain(const char *path, unsigned int line, const char *wrong)
{
	size_t length = strlen(complaints);

	t_ok(!strcmp(path, "file"));
	snprintf(complaints + length, sizeof(complaints) - length, "%u: %s\n", line, wrong);
}

static int read_text(const char *text, size_t length, struct settings *some)
{
	FILE *in = fmemopen((char *)text, length, "r");
	int result;

	complaints[0] = '\0';
	/* fmemopen() knows no empty files. */
	if (!length)
		in = fopen("/dev/null", "r");
	result = conf_read(in, "file", some, complain);
	fclose(in);
	return result;
}

static int read_string(const char *text, struct settings *some)
{
	return read_text(text, strlen(text), some);
}

static void files_that_are_good(void)
{
	struct settings some;

	t_ok(!read_string("", &some) && !some.given);
	t_ok(!read_string("[Queue]", &some) && !some.given);
	t_ok(!read_string("# text\n; text\n\n  \t\n[Queue]\nSize=64K\n", &some));
	t_ok(some.given == 1U << SETTING_SIZE && some.size == 65536);
	t_ok(!read_string("[Queue]\r\n  Size \t=  1M  \r\nMode=0600", &some));
	t_ok(some.size == 1 << 20 && some.mode == 0600);
	t_ok(!read_string("[Queue]\nSize=1M\nSize=2M\nSize=4M\n", &some) && some.size == 4 << 20);
	t_ok(!read_string("[Queue]\nSize=1M\nOwner=me\nSize=\n", &some));
	t_ok(some.given == 1U << SETTING_OWNER && !strcmp(some.owner, "me"));
	t_ok(!read_string("[X-Other]\nWhat=Ever\n[Queue]\nX-Mine=1\nOverflow=reject\n", &some));
	t_ok(some.given == 1U << SETTING_OVERFLOW && some.overflow == TQUEUE_OVERFLOW_REJECT);
	t_ok(!read_string("[Queue]\nSize=1M\n[X-A]\nSize=none\n[Queue]\nMaxMessage=0\n", &some));
	t_ok(some.given == (1U << SETTING_SIZE | 1U << SETTING_MAX_MESSAGE));
	t_ok(!read_string("[Queue]\nEndOfFile=last-writer\nGroup=a=b\n", &some));
	t_ok(!strcmp(some.group, "a=b") && some.end_of_file == TQUEUE_EOF_LAST_WRITER);
}

static void files_that_are_wrong(void)
{
	static const char zero[] = "[Queue]\nSize=1M\0\nMode=0600\n";
	struct settings some;

	t_ok(read_string("Size=1M\n", &some));
	t_true(!strncmp(complaints, "1: expected [Queue] before", 26), "%s", complaints);
	t_ok(read_string("[Queue]\n\nsize=1M\nSize=1M\n", &some));
	t_true(!strcmp(complaints, "3: unknown setting 'size'\n"), "%s", complaints);
	t_ok(read_string("[Que]\nSize=1M\n", &some));
	t_true(!strncmp(complaints, "1: unknown section [Que]", 24), "%s", complaints);
	t_true(read_string("[Queue\n", &some) && !strncmp(complaints, "1: ", 3), "%s", complaints);
	t_ok(read_string("[Queue]\nSize\n", &some));
	t_true(!strcmp(complaints, "2: expected Name=Value\n"), "%s", complaints);
	t_ok(read_string("[Queue]\nSize=1M # much\n", &some));
	t_true(!strncmp(complaints, "2: Size=1M # much: ", 19), "%s", complaints);
	t_true(read_string("[Queue]\n=1M\n", &some) && !strncmp(complaints, "2: ", 3),
	       "%s", complaints);
	/* All that is wrong is told. */
	t_ok(read_string("[Queue]\nSize=x\nMode=x\nOverflow=x\nMode=0600\n", &some));
	t_true(strstr(complaints, "2: ") && strstr(complaints, "3: ") &&
	       strstr(complaints, "4: ") && !strstr(complaints, "5: "), "%s", complaints);
	t_ok(read_text(zero, sizeof(zero) - 1, &some));
	t_true(!strncmp(complaints, "2: zero byte", 12), "%s", complaints);
}

/* No file makes it stumble: the sanitizers watch. */
static void files_that_are_rubbish(void)
{
	static const char *const pieces[] = {
		"[Queue]", "[", "]", "=", "\n", "\n", "Size", "Mode", "Owner", "#", ";", " ", "\t", "\r",
		"64K", "0660", "X-", "\\", "\377", "Overflow=block", "99999999999999999999",
	};
	struct settings some;
	char text[2048];
	unsigned int i, j;
	size_t length;

	srandom(4);
	for (i = 0; i < 20000; i++) {
		length = 0;
		for (j = (unsigned int)random() % 40; j; j--)
			length += (size_t)sprintf(text + length, "%s",
						  pieces[random() % (long)ARRAY_SIZE(pieces)]);
		if (!(random() & 7) && length)
			text[random() % (long)length] = (char)random();
		read_text(text, length, &some);
	}
	/* A long line. */
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	t_ok(read_string(text, &some));
	memcpy(text, "[Queue]\nOwner=", 14);
	t_ok(read_string(text, &some));
}

static char directories[3][64];

static void put_file(int directory, const char *name, const char *text)
{
	char path[PATH_MAX];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", directories[directory], name);
	out = fopen(path, "w");
	fputs(text, out);
	fclose(out);
}

static void has_text(const char *name, const char *wanted)
{
	char path[PATH_MAX], text[4096];
	size_t length;
	FILE *in;

	conf_own(name, path);
	in = fopen(path, "r");
	t_true(in, "%s", path);
	if (!in)
		return;
	length = fread(text, 1, sizeof(text) - 1, in);
	text[length] = '\0';
	fclose(in);
	t_true(!strcmp(text, wanted), "%s", text);
}

static void written_files(void)
{
	struct settings some = { 0 };
	char path[PATH_MAX], **names, **name;
	char joined[256] = "";
	int i;

	for (i = 0; i < 3; i++) {
		strcpy(directories[i], "/tmp/tqueue-conf.XXXXXX");
		t_ok(mkdtemp(directories[i]));
		conf_directories[i] = directories[i];
	}
	/* The first one is made when it is needed. */
	rmdir(directories[0]);
	strcat(directories[0], "/etc/queues.d");
	t_ok(!conf_find("new", path));

	setting_assign(&some, SETTING_SIZE, "64K");
	setting_assign(&some, SETTING_MODE, "600");
	t_true(!conf_write("new", &some), "%s", strerror(errno));
	has_text("new", "# A queue that tqueue creates at boot; see tqueue.conf(5).\n"
		 "[Queue]\nSize=64K\nMode=0600\n");
	/* Again, and nothing changes. */
	t_ok(!conf_write("new", &some));
	has_text("new", "# A queue that tqueue creates at boot; see tqueue.conf(5).\n"
		 "[Queue]\nSize=64K\nMode=0600\n");

	put_file(0, "edit.conf", "\n# one\n[Queue]\n Size = 1M\n#Mode=0666\nSize=2M\n\n[X-A]\nMode=1\n");
	t_ok(!conf_write("edit", &some));
	has_text("edit", "\n# one\n[Queue]\n Size = 1M\n#Mode=0666\nSize=64K\nMode=0600\n\n[X-A]\nMode=1\n");
	put_file(0, "none.conf", "# nothing here");
	t_ok(!conf_write("none", &some));
	has_text("none", "# nothing here\n[Queue]\nSize=64K\nMode=0600\n");

	/* The one that counts is where it starts from. */
	put_file(1, "low.conf", "[Queue]\nOwner=run\n");
	put_file(2, "low.conf", "[Queue]\nOwner=lib\n");
	put_file(2, "last.conf", "[Queue]\n");
	put_file(2, "not-this", "");
	put_file(2, ".hidden.conf", "");
	put_file(2, ".conf", "");
	t_ok(conf_find("low", path) && !strncmp(path, directories[1], strlen(directories[1])));
	t_ok(!conf_write("low", &some));
	has_text("low", "[Queue]\nOwner=run\nSize=64K\nMode=0600\n");
	t_ok(conf_find("low", path) && !strncmp(path, directories[0], strlen(directories[0])));
	conf_own("last", path);
	t_ok(!symlink("/dev/null", path));
	t_ok(!conf_find("last", path));

	names = conf_names();
	for (name = names; *name; name++) {
		strcat(strcat(joined, *name), " ");
		free(*name);
	}
	free(names);
	t_true(!strcmp(joined, "edit last low new none "), "%s", joined);

	/* No half-written file is left, and none is made where there cannot be one. */
	conf_directories[0] = "/proc/tqueue-none";
	t_true(conf_write("new", &some) && errno == ENOENT, "%s", strerror(errno));
	snprintf(path, sizeof(path), "test -z \"$(ls -A %s | grep '^\\.')\" && rm -r /tmp/tqueue-conf.??????",
		 directories[0]);
	t_ok(!system(path));
}

/* A record with these bytes, and what a format makes of it. */
static char *formatted_as(enum format format, int leases, const char *payload, size_t length,
			  uint16_t flags, uint64_t dropped)
{
	static struct strbuf text;
	struct tqueue_record *record = calloc(1, TQUEUE_RECORD_BYTES(length));
	struct tqueue_batch batch;

	record->length = (uint32_t)length;
	record->header_words = TQUEUE_HEADER_WORDS;
	record->flags = flags;
	record->id = 7;
	record->sent_ns = 1500000000;
	record->uid = 1000;
	record->pid = 42;
	record->delivery = 3;
	memcpy(record->payload, payload, length);
	text.length = 0;
	tqueue_batch_load(&batch, record, TQUEUE_RECORD_BYTES(length));
	batch.dropped = dropped;
	t_ok(format_messages(&text, format, leases, &batch, 2) == length);
	*strbuf_room(&text, 1) = '\0';
	free(record);
	return text.data;
}

static char *formatted(enum format format, const char *payload, size_t length,
		       uint16_t flags, uint64_t dropped)
{
	return formatted_as(format, 0, payload, length, flags, dropped);
}

/* The name of a lease stands in front; there is room for the longest. */
static void leases(void)
{
	struct tqueue_record record = {
		.header_words = TQUEUE_HEADER_WORDS, .id = UINT64_MAX, .delivery = UINT32_MAX,
	};
	struct strbuf text = { 0 };
	struct tqueue_batch batch;

	t_ok(!strcmp(formatted_as(FORMAT_LINES, 1, "ab", 2, 0, 0), "7:3 ab\n"));
	t_ok(!strcmp(formatted_as(FORMAT_LINES, 1, "", 0, 0, 0), "7:3\040\n"));
	t_ok(!strcmp(formatted_as(FORMAT_RAW, 1, "a\n", 2, 0, 0), "7:3\na\n"));
	t_ok(!memcmp(formatted_as(FORMAT_NULL, 1, "ab", 2, 0, 0), "7:3\0ab\0", 8));
	t_ok(strstr(formatted_as(FORMAT_JSON, 1, "ab", 2, 0, 0),
		    "{\"id\":7,\"lease\":\"7:3\",\"delivery\":3,\"time\":"));
	tqueue_batch_load(&batch, &record, sizeof(record));
	format_messages(&text, FORMAT_LINES, 1, &batch, 1);
	t_ok(text.length == strlen("18446744073709551615:4294967295") + 2);
	free(text.data);
}

/* What stands in front of a line. */
static void fields(void)
{
	static const char *const wrong[] = { "", "size", "priority,", "key,key", ",key", "key " };
	static const struct {
		const char *item;
		ssize_t taken;
	} items[] = {
		{ "5\t10s\tk\tmessage", 8 }, { "\t\t\t", 3 }, { "5\t\tk\ta\tb", 5 },
		{ "63\t0\t\t", 6 }, { "64\t\t\tx", -1 }, { "5\t10s\tk", -1 }, { "", -1 },
		{ "5\tsoon\t\tx", -1 }, { "5\tinfinity\t\tx", -1 },
		{ "555555555555555555555555555555555555555555555555555555555555555555\t\t\t", -1 },
	};
	struct tqueue_send_options options;
	struct fields chosen;
	char said_so[160];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wrong); i++)
		t_true(fields_choose(&chosen, wrong[i]), "'%s'", wrong[i]);
	t_ok(!fields_choose(&chosen, "key") && chosen.count == 1);
	t_ok(!fields_choose(&chosen, "priority,delay,key") && chosen.count == 3);
	for (i = 0; i < ARRAY_SIZE(items); i++) {
		memset(&options, 0, sizeof(options));
		options.priority = 9;
		t_true(fields_take(&chosen, items[i].item, strlen(items[i].item), &options,
				   said_so, sizeof(said_so)) == items[i].taken,
		       "%s", items[i].item);
		if (i == 0)
			t_ok(options.priority == 5 && options.delay == 10000000000 &&
			     options.flags == TQUEUE_SEND_UNIQUE &&
			     options.key == tqueue_key("k", 1));
		if (i == 1)
			t_ok(options.priority == 9 && !options.delay && !options.flags);
	}
}

static void formats(void)
{
	const char *text;

	t_ok(!strcmp(formatted(FORMAT_LINES, "ab", 2, 0, 0), "ab\n"));
	t_ok(!strcmp(formatted(FORMAT_LINES, "ab\n", 3, 0, 0), "ab\n"));
	t_ok(!strcmp(formatted(FORMAT_LINES, "", 0, 0, 0), "\n"));
	t_ok(!strcmp(formatted(FORMAT_LINES, "\n", 1, 0, 0), "\n"));
	t_ok(!strcmp(formatted(FORMAT_RAW, "ab", 2, 0, 0), "ab"));
	t_ok(!memcmp(formatted(FORMAT_NULL, "ab", 2, 0, 0), "ab\0", 4));
	text = formatted(FORMAT_JSON, "a\"\n", 3, 0, 0);
	t_true(!strncmp(text, "{\"id\":7,\"time\":\"20", 18), "%s", text);
	text = strstr(text, "Z\",");
	t_ok(text && !strcmp(text, "Z\",\"sent_ns\":1500000000,\"uid\":1000,\"pid\":42,\"priority\":0,\"attempts\":0,\"flags\":[],"
		     "\"length\":3,\"text\":\"a\\\"\\n\"}\n"));
	t_ok(strstr(formatted(FORMAT_JSON, "", 0, TQUEUE_FLAG_PARTIAL | TQUEUE_FLAG_DROPPED, 3),
		    "\"flags\":[\"partial\",\"dropped\"],\"dropped\":3,"
		    "\"length\":0,\"text\":\"\"}\n"));
	t_ok(strstr(formatted(FORMAT_JSON, "\377", 1, 0, 0), "\"base64\":\"/w==\"}\n"));
	t_ok(strstr(formatted(FORMAT_JSON, "\377\377", 2, 0, 0), "\"base64\":\"//8=\"}\n"));
	t_ok(strstr(formatted(FORMAT_JSON, "\377\377\376", 3, 0, 0), "\"base64\":\"///+\"}\n"));
	t_ok(strstr(formatted(FORMAT_JSON, "\0", 1, 0, 0), "\"text\":\"\\u0000\"}\n"));
}

static void utf8(void)
{
	static const char *const good[] = {
		"", "plain", "\303\251", "\342\202\254", "\360\237\230\200", "\364\217\277\277",
		"\355\237\277", "\356\200\200", "\302\200", "\340\240\200",
	};
	static const char *const bad[] = {
		"\200", "\277x", "\300\200", "\301\277", "\303", "\303x", "\342\202", "\340\200\200",
		"\355\240\200", "\360\200\200\200", "\364\220\200\200", "\365\200\200\200", "\377", "x\360\237\230",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		t_true(is_utf8((const unsigned char *)good[i], strlen(good[i])), "%zu", i);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		t_true(!is_utf8((const unsigned char *)bad[i], strlen(bad[i])), "%zu", i);
}

int main(void)
{
	static const struct unit tests[] = {
		{ "sizes", sizes },
		{ "durations", durations },
		{ "settings", settings },
		{ "files_that_are_good", files_that_are_good },
		{ "files_that_are_wrong", files_that_are_wrong },
		{ "files_that_are_rubbish", files_that_are_rubbish },
		{ "written_files", written_files },
		{ "formats", formats },
		{ "leases", leases },
		{ "fields", fields },
		{ "utf8", utf8 },
	};

	return units_run("units", tests, ARRAY_SIZE(tests));
}
