# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: the examples that print how long messages wait and leases last.

# hits EVENT: how many of the queue jobs were counted.
hits() {
	awk -v event="$1:" '/^[a-z_]*:$/ { now = $0 } now == event && / jobs/ { sum += $NF } END { print sum + 0 }' counts
}

test_times_example() {
	local lease hidden
	if [ ! -e /sys/kernel/tracing/events/tqueue/tqueue_waited/hist ]; then
		# shellcheck disable=SC2034 # whoever calls this looks at it
		skipped="this kernel has no histograms of tracepoints"
		return
	fi
	tqueue create jobs
	tqueue send jobs one two
	sh /guest/examples/tqueue-times 4 >counts 2>&1 &
	sleep 2
	tqueue recv jobs >/dev/null
	exec 3</dev/tq/jobs
	lease=$(tqueue recv --lease --fd=3)
	tqueue ack --fd=3 "${lease%% *}"
	exec 3<&-
	wait $!
	# recv without --lease leases a message, too, until it is written.
	is "messages that waited" "$(hits tqueue_waited)" 2
	is "leases that ended" "$(hits tqueue_held)" 2
	hidden=$(grep -v '^#' /sys/kernel/tracing/events/tqueue/tqueue_waited/trigger)
	is "triggers that are left" "$hidden" ""
}
