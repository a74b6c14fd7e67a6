# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue stats.

# sample LINE...: the text for Prometheus has these.
sample() {
	local line
	for line; do
		grep -q -x -F -e "$line" out || no "no '$line' in what stats --prometheus says"
	done
}

test_stats() {
	local lease
	tqueue create jobs --max-attempts=0
	tqueue create other
	printf '%s\n' one two three four | tqueue send --lines jobs
	tqueue send --delay=1h jobs later
	exec 3</dev/tq/jobs
	lease=$(tqueue recv --lease --fd=3)
	tqueue ack --fd=3 "${lease%% *}"
	lease=$(tqueue recv --lease --fd=3)
	tqueue requeue --fd=3 "${lease%% *}"
	lease=$(tqueue recv --lease --fd=3)
	tqueue bury --fd=3 "${lease%% *}"
	tqueue recv --lease --fd=3 >/dev/null
	tqueue stop jobs

	gives 0 tqueue stats
	has out "NAME" "ACKED"
	is "row of jobs" "$(grep ^jobs out | xargs)" "jobs 5 1 4 1 2 1 0 0"
	gives 0 tqueue stats --no-header other /dev/tqueue
	is "rows" "$(wc -l <out)" 2
	gives 0 tqueue stats --json jobs
	sed -i 's/"oldest":[1-9][0-9]*/"oldest":AGE/' out
	out '{"name":"jobs","messages":1,"leased":1,"delayed":1,"buried":1,"in_flight":0,"ready_bytes":48,"leased_bytes":48,"delayed_bytes":48,"buried_bytes":48,"oldest":AGE,"size":2097152,"readers":1,"writers":0,"sleeping_readers":0,"blocked_senders":0,"stopped":1,"paused":0,"held_up":0,"sent":5,"received":1,"dropped":0,"ever_leased":4,"ever_acknowledged":1,"ever_requeued":2,"ever_expired":0,"ever_buried":1}'
	gives 5 tqueue stats jobs nosuch other
	err "nosuch: no such queue"
	is "rows" "$(wc -l <out)" 3
	gives 2 tqueue stats --json --prometheus

	gives 0 tqueue stats --prometheus
	sample '# TYPE tqueue_messages gauge' 'tqueue_messages{queue="jobs",state="buried"} 1' 'tqueue_messages{queue="other",state="buried"} 0' \
		'# TYPE tqueue_sent_total counter' 'tqueue_sent_total{queue="jobs"} 5' 'tqueue_bytes{queue="jobs",state="delayed"} 48' \
		'tqueue_stopped{queue="jobs"} 1' 'tqueue_stopped{queue="tqueue"} 0' 'tqueue_oldest_seconds{queue="other"} 0.000000000'
	# Each family has its help and its type once, in front of its samples, which stand together; no sample comes twice.
	awk '
		/^# HELP / { if ($3 in help) print "twice: " $0; help[$3] = 1; family = $3; next }
		/^# TYPE / { if ($3 != family || $4 !~ /^(gauge|counter)$/) print "wrong: " $0; next }
		!/^[a-z_]+\{([a-z]+="[^"\\]*",?)+\} [0-9]+(\.[0-9]{9})?$/ { print "wrong: " $0; next }
		{
			name = $0
			sub(/\{.*/, "", name)
			if (name != family) print "not in its family: " $0
			if (seen[$1 $2]++) print "twice: " $0
		}' out >wrong
	[ ! -s wrong ] || no "the text for Prometheus: $(cat wrong)"
	exec 3<&-
}

test_stats_histograms() {
	local lease
	tqueue create jobs
	gives 3 tqueue stats --histograms
	err "no queue counts histograms" "/sys/class/tqueue/QUEUE/histograms"
	echo 1 >/sys/class/tqueue/jobs/histograms
	printf '%s\n' one two three | tqueue send --lines jobs
	exec 3</dev/tq/jobs
	lease=$(tqueue recv --lease --fd=3)
	tqueue ack --fd=3 "${lease%% *}"
	cat /dev/tq/jobs >/dev/null &
	soon holds jobs 0
	kill $!
	exec 3<&-
	gives 0 tqueue stats --histograms
	has out "jobs: messages that were received, by how long they had been ready: 3" "jobs: leases that ended, by how long they lasted: 1"
	grep -q -E '^  below +[0-9.]+(us|ms|s) +1 #{40}$' out || no "there is no bar: $(cat out)"
	gives 0 tqueue stats --json jobs
	has out ',"wait_histogram":[0,' ',"lease_ns":'
	gives 0 tqueue stats --prometheus
	sample '# TYPE tqueue_wait_seconds histogram' 'tqueue_wait_seconds_bucket{queue="jobs",le="+Inf"} 3' 'tqueue_wait_seconds_count{queue="jobs"} 3' \
		'tqueue_lease_seconds_count{queue="jobs"} 1'
	# The counts of the buckets only grow, and the limits do.
	awk -F '["} ]+' '/^tqueue_wait_seconds_bucket/ { if ($5 < last || ($4 != "+Inf" && $4 <= limit)) print; last = $5; limit = $4 }' out >wrong
	[ ! -s wrong ] || no "buckets that are out of order: $(cat wrong)"
	echo 0 >/sys/class/tqueue/jobs/histograms
	gives 3 tqueue stats --histograms
}

# The example for node_exporter writes what stats says, and leaves the old file where there is nothing to say.
test_stats_example() {
	local start
	start=$(sed -n "s/^ExecStart=\/bin\/sh -euc '\(.*\)'\$/\1/p" /guest/examples/tqueue-stats.service)
	gives 0 env TEXTFILES="$PWD" sh -euc "$start"
	has tqueue.prom 'tqueue_size_bytes{queue="tqueue"} '
	[ ! -e tqueue.prom.new ] || no "its new file is left"
	rmmod tqueue || no "the module does not unload"
	gives 7 env TEXTFILES="$PWD" sh -euc "$start"
	err "not loaded"
	has tqueue.prom 'tqueue_size_bytes{queue="tqueue"} '
	load
}
