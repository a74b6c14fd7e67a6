# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue send.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_arguments() {
	tqueue create jobs
	gives 0 tqueue send jobs hello "two words" "" -- --dash
	is messages "$(attribute jobs messages)" 4
	gives 0 tqueue recv jobs
	out hello
	gives 0 tqueue recv jobs --count=3
	out $'two words\n\n--dash'
	echo "by echo" >/dev/tq/jobs
	gives 0 tqueue recv jobs
	printf 'by echo\n' >wanted
	same out wanted
	gives 0 tqueue send jobs "for cat"
	is "what cat reads" "$(dd if=/dev/tq/jobs bs=64K count=1 2>/dev/null)" "for cat"
	gives 0 tqueue send --newline jobs "for read"
	read -r line </dev/tq/jobs
	is "what read reads" "$line" "for read"
	gives 0 tqueue send /dev/tq/jobs "by path"
	gives 0 tqueue recv /dev/tq/jobs
	out "by path"
	gives 0 tqueue send tqueue "to the default"
	gives 0 tqueue recv tqueue
	out "to the default"
}

test_lines() {
	tqueue create jobs
	{
		seq 30000
		printf '\n\n tabs\there \nlast without newline'
	} >log
	tqueue send --lines jobs <log &
	gives 0 tqueue recv jobs --count=30004
	wait $!
	{ cat log; echo; } >wanted
	same out wanted
	is messages "$(attribute jobs messages)" 0
	seq 3 >a
	seq 4 5 >b
	gives 0 tqueue send --lines --file=a --file b jobs
	gives 0 tqueue recv --all jobs
	out "$(seq 5)"
	gives 0 tqueue send --lines --newline jobs <a
	gives 0 tqueue recv --all --raw jobs
	same out a
	gives 0 tqueue send --lines jobs </dev/null
	is messages "$(attribute jobs messages)" 0
	gives 1 tqueue send --lines --file=a --file=nothing jobs
	err "nothing: No such file"
	gives 3 tqueue recv --all tqueue
	gives 0 tqueue recv --all jobs
	out "$(seq 3)"
	gives 1 tqueue send --lines --file=/ jobs
	err "cannot read"
}

test_null_and_raw() {
	tqueue create jobs
	printf 'a\nb\0c\0\0d' >in
	gives 0 tqueue send --null jobs <in
	is messages "$(attribute jobs messages)" 4
	gives 0 tqueue recv --null --count=4 jobs
	{ cat in; printf '\0'; } >wanted
	same out wanted
	gives 0 tqueue send jobs ab cd
	gives 0 tqueue recv --raw --count=2 jobs
	printf abcd >wanted
	same out wanted
	head -c 400000 /dev/urandom >in
	gives 0 tqueue send jobs <in
	gives 0 tqueue recv --raw jobs
	same out in
	gives 0 tqueue send jobs --file=in
	gives 0 tqueue peek --raw jobs
	same out in
	gives 0 tqueue recv --raw jobs
	same out in
	gives 0 tqueue send jobs </dev/null
	is messages "$(attribute jobs messages)" 1
	gives 0 tqueue recv jobs
	out ""
}

test_too_long() {
	tqueue create jobs --max-message=1000
	{
		seq 3
		head -c 1001 /dev/zero | tr '\0' x
		echo
		seq 5 6
	} >log
	gives 1 tqueue send --lines jobs <log
	err "tqueue: jobs: line 4 is longer than 1000 bytes" "--max-message" "3 messages were sent before"
	gives 0 tqueue recv --all jobs
	out "$(seq 3)"
	gives 1 tqueue send --lines --file=log jobs
	err "line 4 of log"
	tqueue recv --all jobs >/dev/null
	# It must not gather what has no end.
	yes | tr -d '\n' | gives 1 tqueue send --lines jobs
	err "line 1 is longer"
	gives 1 tqueue send jobs --file=log
	err "log is longer"
	gives 1 tqueue send jobs short "$(head -c 2000 /dev/zero | tr '\0' x)"
	err "message 2 is longer" "1 message was sent before"
	gives 0 tqueue recv jobs
	out short
	tqueue set jobs --size=16M --max-message=0
	head -c 4000000 /dev/zero | tr '\0' x >log
	gives 0 tqueue send --lines jobs <log
	gives 0 tqueue recv --all jobs
	is "bytes received" "$(wc -c <out)" $((1 + 4000000))
	head -c 400000 log >part
	for i in 1 2 3; do cat part; echo; done >log
	gives 0 tqueue send --lines jobs <log
	tqueue recv --count=3 jobs | cat >out
	same out log
}

test_slow_input() {
	local i
	tqueue create jobs
	{
		echo first
		sleep 3
		for ((i = 0; i < 12; i++)); do
			printf '%s' "${i: -1}"
			sleep 0.02
		done
		echo
		sleep 5
	} | tqueue send --lines jobs &
	gives 0 tqueue recv jobs --timeout=2
	out first
	gives 0 tqueue recv jobs --timeout=8
	out 012345678901
	wait $!
}

test_killed_sender() {
	local sender sent
	tqueue create jobs --size=64K
	yes | tqueue send --lines jobs 2>err &
	sender=$!
	sleep 1
	kill -TERM "$(pidof tqueue)"
	wait "$sender"
	is "status" $? 143
	sent=$(sed -n 's/^tqueue: jobs: \([0-9]*\) messages were sent before$/\1/p' err)
	is "what it says and what is there" "$sent" "$(attribute jobs messages)"
}

# Priorities, delays and keys, of one message and of each line.
test_send_options() {
	local id
	tqueue create jobs
	gives 0 tqueue send jobs usual
	gives 0 tqueue send -p 5 jobs urgent
	gives 0 tqueue send --priority=9 jobs first
	gives 0 tqueue send --delay=5s jobs late
	gives 0 tqueue recv --all jobs
	out $'first\nurgent\nusual'
	gives 0 tqueue recv --timeout=30s jobs
	out late

	gives 0 tqueue send --unique=report jobs one
	id=$(tqueue jobs --no-header jobs | awk '{ print $1 }')
	gives 10 tqueue send --unique=report jobs two
	err "tqueue: jobs: message $id already has this key" "tqueue delete jobs $id"
	gives 0 tqueue send --unique=other jobs two
	# A lease frees it, but not of one that says so.
	exec 3</dev/tq/jobs
	gives 0 tqueue recv --lease --fd=3
	gives 0 tqueue send --unique=report --unsettled jobs three
	gives 0 tqueue recv --all --lease --fd=3
	gives 10 tqueue send --unique=report jobs four
	exec 3<&-
	tqueue recv --all jobs >/dev/null

	printf '5\t\t\tusual key\n\t\tk\twith a key\n9\t0\tk\tthe same\n7\t1ms\t\twith\ttabs\n\t\t\t\n' >in
	gives 10 tqueue send --lines --fields=priority,delay,key --file=in jobs
	err "line 3 of in was not sent: message " "already has its key"
	sleep 0.2
	gives 0 tqueue recv --all jobs
	printf 'with\ttabs\nusual key\nwith a key\n\n' >wanted
	same out wanted
	printf 'k\t3\0k\t4\0' >in
	gives 10 tqueue send --null --fields=key --unsettled --file=in jobs
	gives 0 tqueue recv --all jobs
	out 3
	# What is before a wrong line is sent.
	printf '5\tone\nfive\ttwo\n' >in
	gives 2 tqueue send --lines --fields=priority --file=in jobs
	err "line 2 of in: 'five': expected a priority" "1 message was sent before"
	printf 'no tab\n' >in
	gives 2 tqueue send --lines --fields=delay --file=in jobs
	err "line 1 of in: expected a tab"
	printf 'soon\tx\n' >in
	gives 2 tqueue send --lines --fields=delay --file=in jobs
	err "'soon': expected a delay"
	gives 0 tqueue recv --all jobs
	out one
	head -c 300000 /dev/zero | tr '\0' x >long
	gives 0 tqueue send -p 3 --file=long jobs
	gives 0 tqueue recv --json jobs
	has out '"priority":3' '"length":300000'

	gives 2 tqueue send -p 64 jobs x
	err "'64'" "63"
	gives 2 tqueue send --delay=soon jobs x
	gives 2 tqueue send --unsettled jobs x
	err --unique
	gives 2 tqueue send --unique=k --lines jobs
	err --fields=key
	gives 2 tqueue send --unique=k jobs x y
	gives 2 tqueue send --fields=priority jobs
	err --lines
	gives 2 tqueue send --lines --fields=priority,size jobs
	err "'priority,size'" "priority, delay or key"
	gives 2 tqueue send --lines --fields=key,key jobs
}
