// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "../tqueue/syntax.h"
#include "../tqueue/units.h"
#include "clock.h"
#include "conf.h"
#include "report.h"
#include "uri.h"

enum section {
	SECTION_NONE,
	SECTION_BROKER,
	SECTION_OUT,
	SECTION_IN,
	SECTION_FOREIGN,
	SECTION_UNKNOWN
};

enum kind {
	KIND_URI,
	KIND_TEXT,
	KIND_PATH,
	KIND_QUEUE,
	KIND_NUMBER,
	KIND_SIZE,
	KIND_TIME,
	KIND_ACK,
	KIND_SWITCH
};

/* All settings: their place in struct conf, their limits and their defaults. */
static const struct setting {
	enum section section;
	const char *name;
	enum kind kind;
	size_t offset;
	uint64_t least;
	uint64_t most;
	const char *usual;
} settings[] = {
#define AT(field)	offsetof(struct conf, field)
	{ SECTION_BROKER, "URI", KIND_URI, AT(broker.uri), 0, 0, NULL },
	{ SECTION_BROKER, "User", KIND_TEXT, AT(broker.user), 0, 0, "" },
	{ SECTION_BROKER, "PasswordFile", KIND_PATH, AT(broker.password_file),
	  0, 0, "" },
	{ SECTION_BROKER, "CAFile", KIND_PATH, AT(broker.ca_file), 0, 0,
	  "/etc/ssl/certs/ca-certificates.crt" },
	{ SECTION_BROKER, "CertificateFile", KIND_PATH, AT(broker.certificate_file),
	  0, 0, "" },
	{ SECTION_BROKER, "KeyFile", KIND_PATH, AT(broker.key_file), 0,
	  0, "" },
	{ SECTION_BROKER, "Heartbeat", KIND_TIME, AT(broker.heartbeat),
	  2, 600, "10s" },
	{ SECTION_BROKER, "ConnectTimeout", KIND_TIME, AT(broker.connect_limit),
	  1, 60, "10s" },
	{ SECTION_OUT, "Queue", KIND_QUEUE, AT(out.queue), 0, 0, NULL },
	{ SECTION_OUT, "Exchange", KIND_TEXT, AT(out.exchange), 0, 0, "" },
	{ SECTION_OUT, "RoutingKey", KIND_TEXT, AT(out.routing_key), 0,
	  0, NULL },
	{ SECTION_OUT, "Window", KIND_NUMBER, AT(out.window), 1, 10000, "256" },
	{ SECTION_OUT, "WindowBytes", KIND_SIZE, AT(out.window_bytes),
	  1, 1 << 30, "8M" },
	{ SECTION_OUT, "ConfirmTimeout", KIND_TIME, AT(out.confirm_limit),
	  5, 3600, "60s" },
	{ SECTION_IN, "Queue", KIND_QUEUE, AT(in.queue), 0, 0, NULL },
	{ SECTION_IN, "BrokerQueue", KIND_TEXT, AT(in.broker_queue), 0,
	  0, NULL },
	{ SECTION_IN, "Ack", KIND_ACK, AT(in.ack), 0, 0, "queued" },
	{ SECTION_IN, "Prefetch", KIND_NUMBER, AT(in.prefetch), 1, 10000, "64" },
	{ SECTION_IN, "Remember", KIND_NUMBER, AT(in.remember), 0, 10000000,
	  "100000" },
	{ SECTION_IN, "RememberFor", KIND_TIME, AT(in.remember_for), 1,
	  UINT64_MAX / NS_PER_S, "1d" },
	{ SECTION_IN, "HandBack", KIND_TIME, AT(in.hand_back), 1, 86400,
	  "10min" },
	{ SECTION_IN, "AllowBrokerLimit", KIND_SWITCH, AT(in.allow_broker_limit),
	  0, 0, "no" },
	{ 0 }
#undef AT
};

static const char *const section_names[] = {
	[SECTION_BROKER] = "Broker", [SECTION_OUT] = "Out", [SECTION_IN] = "In"
};

static enum section find_section(const char *name)
{
	enum section section;

	for (section = SECTION_BROKER; section <= SECTION_IN; section++)
		if (!strcmp(section_names[section], name))
			return section;
	return syntax_is_foreign(name) ? SECTION_FOREIGN : SECTION_UNKNOWN;
}

static const char *assign_uri(struct conf_broker *broker, const char *value)
{
	struct uri uri;
	const char *wrong;

	if (broker->uris == CONF_URIS)
		return "too many (at most 16)";
	if (strlen(value) >= sizeof(broker->uri[0]))
		return "too long";
	wrong = uri_parse(&uri, value);
	if (!wrong)
		strcpy(broker->uri[broker->uris++], value);
	return wrong;
}

static const char *assign_text(char *to, size_t room, const char *value)
{
	if (strlen(value) >= room)
		return "too long";
	strcpy(to, value);
	return NULL;
}

static const char *assign_size(void *to, const char *value, uint64_t least, uint64_t most)
{
	uint64_t size;

	if (parse_size(value, &size))
		return "expected a size such as 64K or 16M";
	if (size < least || size > most)
		return "out of range, see tqueue-bridge(8)";
	memcpy(to, &size, sizeof(size));
	return NULL;
}

static const char *assign_number(void *to, const char *value, uint64_t least, uint64_t most)
{
	uint64_t number;
	uint32_t small;

	if (parse_number(value, most, &number) || number < least)
		return "expected a number, see tqueue-bridge(8)";
	small = (uint32_t)number;
	memcpy(to, &small, sizeof(small));
	return NULL;
}

/* The limits of times are in seconds. */
static const char *assign_time(void *to, const char *value, uint64_t least, uint64_t most)
{
	uint64_t ns;

	if (parse_duration(value, &ns))
		return "expected a time such as 10s or 1min 30s";
	if (ns / NS_PER_S < least || ns / NS_PER_S > most)
		return "out of range, see tqueue-bridge(8)";
	memcpy(to, &ns, sizeof(ns));
	return NULL;
}

static const char *assign_switch(int *to, const char *value)
{
	if (!strcmp(value, "yes") || !strcmp(value, "true") || !strcmp(value, "on") ||
	    !strcmp(value, "1"))
		*to = 1;
	else if (!strcmp(value, "no") || !strcmp(value, "false") || !strcmp(value, "off") ||
		 !strcmp(value, "0"))
		*to = 0;
	else
		return "expected yes or no";
	return NULL;
}

static const char *assign_ack(enum conf_ack *to, const char *value)
{
	if (!strcmp(value, "queued"))
		*to = ACK_QUEUED;
	else if (!strcmp(value, "settled"))
		*to = ACK_SETTLED;
	else
		return "expected queued or settled";
	return NULL;
}

/* The size of the field of a text, with its zero byte. */
static size_t room_of(enum kind kind)
{
	switch (kind) {
	case KIND_PATH:
		return PATH_MAX;
	case KIND_QUEUE:
		return TQUEUE_NAME_MAX + 1;
	default:
		return CONF_NAME_MAX + 1;
	}
}

static const char *assign(struct conf *conf, const struct setting *setting, const char *value)
{
	void *to = (char *)conf + setting->offset;

	switch (setting->kind) {
	case KIND_URI:
		return assign_uri(&conf->broker, value);
	case KIND_QUEUE:
		if (*value && tqueue_check_name(value))
			return "not the name of a queue";
		return assign_text(to, room_of(setting->kind), value);
	case KIND_PATH:
		if (*value && *value != '/')
			return "expected a path that begins with /";
		return assign_text(to, room_of(setting->kind), value);
	case KIND_TEXT:
		return assign_text(to, room_of(setting->kind), value);
	case KIND_NUMBER:
		return assign_number(to, value, setting->least, setting->most);
	case KIND_SIZE:
		return assign_size(to, value, setting->least, setting->most);
	case KIND_TIME:
		return assign_time(to, value, setting->least, setting->most);
	case KIND_ACK:
		return assign_ack(to, value);
	case KIND_SWITCH:
		return assign_switch(to, value);
	}
	return NULL;
}

/* Sets a setting to its default. */
static void reset(struct conf *conf, const struct setting *setting)
{
	if (setting->kind == KIND_URI)
		conf->broker.uris = 0;
	else if (setting->usual)
		assign(conf, setting, setting->usual);
	else
		memset((char *)conf + setting->offset, 0, room_of(setting->kind));
}

struct reading {
	struct conf *conf;
	enum section section;
	char text[512];
};

static const struct setting *find_setting(enum section section, const char *name)
{
	const struct setting *setting;

	for (setting = settings; setting->name; setting++)
		if (setting->section == section && !strcmp(setting->name, name))
			return setting;
	return NULL;
}

static const char *take(void *data, char *line)
{
	struct reading *reading = data;
	const struct setting *setting;
	const char *wrong;
	char *name, *value;

	switch (syntax_cut(line, &name, &value)) {
	case SYNTAX_NOTHING:
		return NULL;
	case SYNTAX_SECTION:
		reading->section = find_section(name);
		reading->conf->out.used |= reading->section == SECTION_OUT;
		reading->conf->in.used |= reading->section == SECTION_IN;
		if (reading->section != SECTION_UNKNOWN)
			return NULL;
		snprintf(reading->text, sizeof(reading->text),
			 "unknown section [%.64s] (expected [Broker], [Out] or [In])", name);
		return reading->text;
	case SYNTAX_WRONG:
		return "expected Name=Value";
	case SYNTAX_ASSIGNMENT:
		break;
	}
	if (reading->section == SECTION_NONE)
		return "expected [Broker], [Out] or [In] before this line";
	if (reading->section > SECTION_IN || syntax_is_foreign(name))
		return NULL;
	setting = find_setting(reading->section, name);
	if (!setting) {
		snprintf(reading->text, sizeof(reading->text),
			 "unknown setting '%.64s' in [%s]", name,
			 section_names[reading->section]);
		return reading->text;
	}
	if (!*value) {
		reset(reading->conf, setting);
		return NULL;
	}
	wrong = assign(reading->conf, setting, value);
	if (!wrong)
		return NULL;
	/* A URI may contain a password, so the message does not show it. */
	if (setting->kind == KIND_URI)
		snprintf(reading->text, sizeof(reading->text), "URI=: %s", wrong);
	else
		snprintf(reading->text, sizeof(reading->text), "%s=%.128s: %s", name, value, wrong);
	return reading->text;
}

static void complain(const char *path, unsigned int line, const char *wrong)
{
	if (line)
		report(LOG_ERR, "%s:%u: %s", path, line, wrong);
	else
		report(LOG_ERR, "%s: %s", path, wrong);
}

/* Sets the defaults that depend on other settings. */
static void complete(struct conf *conf)
{
	if (!*conf->out.queue)
		strcpy(conf->out.queue, conf->name);
	if (!*conf->in.queue)
		strcpy(conf->in.queue, conf->name);
	if (!*conf->out.routing_key)
		strcpy(conf->out.routing_key, conf->out.queue);
	if (!*conf->in.broker_queue)
		strcpy(conf->in.broker_queue, conf->in.queue);
}

/* Checks what several settings together can make wrong.  Returns 0 or -1. */
static int check_whole(const struct conf *conf)
{
	if (!conf->broker.uris)
		complain(conf->path, 0,
			 "no URI= in [Broker] (expected the address of the broker, such as URI=amqps://rabbit.example.com/)");
	else if (!conf->out.used && !conf->in.used)
		complain(conf->path, 0,
			 "there is neither a section [Out] nor a section [In], so there is nothing to hand over");
	else if (conf->out.used && conf->in.used && !strcmp(conf->out.queue, conf->in.queue))
		complain(conf->path, 0,
			 "[Out] and [In] have the same queue: messages would go round in a circle (set another Queue= in [In])");
	else if (!*conf->broker.certificate_file != !*conf->broker.key_file)
		complain(conf->path, 0, "CertificateFile= and KeyFile= need each other");
	else
		return 0;
	return -1;
}

int conf_load(struct conf *conf, const char *name, const char *path)
{
	struct reading reading = { .conf = conf };
	const struct setting *setting;
	const char *wrong;
	FILE *in;
	int result;

	memset(conf, 0, sizeof(*conf));
	if (tqueue_check_name(name)) {
		report(LOG_ERR,
		       "invalid name of a bridge (1 to %d letters, digits, '.', '_' and '-', no leading '.')",
		       TQUEUE_NAME_MAX);
		return -1;
	}
	strcpy(conf->name, name);
	if (path)
		snprintf(conf->path, sizeof(conf->path), "%s", path);
	else
		snprintf(conf->path, sizeof(conf->path), CONF_DIRECTORY "/%s.conf", name);
	for (setting = settings; setting->name; setting++)
		reset(conf, setting);
	in = syntax_open(conf->path, &wrong);
	if (!in) {
		report(LOG_ERR, "%s: %s", conf->path, wrong);
		return -1;
	}
	result = syntax_read(in, conf->path, take, &reading, complain);
	fclose(in);
	if (result)
		return result;
	complete(conf);
	return check_whole(conf);
}
