# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: tqueue recv and peek.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

test_json() {
	local pattern='^."id":[0-9]+,"time":"20[0-9-]+T[0-9:]+\.[0-9]{9}Z","sent_ns":[0-9]+,"uid":0,"pid":[0-9]+,"priority":0,'
	pattern="$pattern"'"attempts":0,"flags":\[\],"length":[0-9]+,("text":"([^"\\]|\\.)*"|"base64":"[A-Za-z0-9+/=]*").$'
	tqueue create jobs --overflow=drop-oldest --size=64K
	printf 'quote " backslash \\ newline\n tab\t bell\a del\177 \303\251' | tqueue send jobs
	printf '\377\376x' | tqueue send jobs
	printf 'half\303' | tqueue send jobs
	printf 'with\0zero' | tqueue send jobs
	tqueue send jobs ""
	gives 0 tqueue recv --json --count=5 jobs
	is "lines of the pattern" "$(grep -c -E "$pattern" out)" 5
	# shellcheck disable=SC2028 # it is meant as it stands
	has out '"text":"quote \" backslash \\ newline\n tab\t bell\u0007 del\u007f é"}' '"length":3,"base64":"//54"' \
		'"base64":"aGFsZsM="' '"text":"with\u0000zero"' '"length":0,"text":""'

	tqueue send jobs 0123456789
	dd if=/dev/tq/jobs bs=4 count=1 2>/dev/null >/dev/null
	gives 0 tqueue recv --json jobs
	has out '"flags":["partial"]' '"text":"456789"'

	seq 10000 | tqueue send --lines jobs
	gives 0 tqueue recv --json jobs
	has out '"flags":["dropped"],"dropped":'
	dropped=$(sed 's/.*"dropped":\([0-9]*\),.*/\1/' out)
	is "the first that is left" "$(sed 's/.*"text":"\(.*\)"}/\1/' out)" $((dropped + 1))
	err "tqueue: jobs: $dropped messages were dropped"
	before=$(date +%s)
	tqueue send tqueue now
	sent=$(tqueue recv --json tqueue | sed 's/.*"time":"\([^.]*\)\..*/\1/; s/T/ /')
	sent=$(date -u -d "$sent" +%s)
	if [ $((sent - before)) -lt -1 ] || [ $((sent - before)) -gt 5 ]; then
		no "sent at $sent, but it was $before"
	fi
}

test_follow() {
	tqueue create jobs
	tqueue recv --follow jobs >got &
	reader=$!
	tqueue send jobs one
	soon has_line one
	tqueue send jobs two
	soon has_line two
	tqueue stop jobs
	wait "$reader"
	is "status at the end" $? 0
	is "what was received" "$(cat got)" $'one\ntwo'
	tqueue start jobs
	gives 4 tqueue recv --follow jobs --timeout=100ms
	tqueue set jobs --end-of-file=last-writer
	# Who wrote until now has left; after that end it waits for the next.
	gives 0 tqueue recv --follow jobs
	out ""
	tqueue recv --follow jobs >got &
	reader=$!
	sleep 0.5
	seq 1000 | tqueue send --lines jobs
	wait "$reader"
	is "status at the end" $? 0
	is lines "$(wc -l <got)" 1000
}

# Whatever ends a receiver, what was sent is written by it or still there.
test_killed_receiver() {
	local round reader copier sender
	tqueue create jobs
	seq 200000 | tqueue send --lines jobs &
	sender=$!
	: >all
	for ((round = 0; round < 8; round++)); do
		tqueue recv --follow jobs >got 2>err &
		reader=$!
		sleep 0.2
		kill -"$([ $((round % 2)) = 0 ] && echo TERM || echo HUP)" "$reader"
		{ wait "$reader"; } 2>/dev/null
		cat got >>all
	done
	# By way of a pipe whose reader stays.
	mkfifo fifo
	cat <fifo >got &
	copier=$!
	tqueue recv --follow jobs >fifo 2>err &
	reader=$!
	sleep 0.3
	kill -TERM "$reader"
	{ wait "$reader"; } 2>/dev/null
	wait "$copier"
	cat got >>all
	tqueue recv jobs --follow --timeout=4 >got 2>err
	wait "$sender"
	cat got >>all
	seq 200000 >wanted
	sort -n all >sorted
	same sorted wanted
}

test_peek() {
	tqueue create jobs
	seq 1000 | tqueue send --lines jobs
	gives 0 tqueue peek jobs
	out 1
	gives 0 tqueue peek --count=3 jobs
	out "$(seq 3)"
	gives 0 tqueue peek --all jobs
	seq 1000 >wanted
	same out wanted
	is messages "$(attribute jobs messages)" 1000
	gives 2 tqueue peek --follow jobs
	tqueue recv --all jobs >/dev/null
	tqueue stop jobs
	gives 6 tqueue peek jobs
}

# A message without a byte wakes who waits, and what is received by a caller's file or goes on to another queue is no different.
test_moving_on() {
	tqueue create a
	tqueue create b
	{ sleep 0.5; tqueue send a ""; } &
	gives 0 tqueue recv --timeout=20s --json a
	has out '"length":0'
	wait $!
	tqueue send -p 5 a one
	tqueue send a two
	gives 0 tqueue recv --to=b a
	out ""
	gives 0 tqueue recv --all --to=/dev/tq/b a
	gives 0 tqueue recv --json b
	has out '"priority":5' '"text":"one"'
	gives 0 tqueue recv b
	out two
	gives 1 tqueue recv --to=a a
	err "this queue itself" "nothing was taken"
	gives 5 tqueue recv --to=nothing a
	err "tqueue: nothing: no such queue"
	gives 1 tqueue recv --to=/dev/null a
	tqueue stop b
	tqueue send a three
	gives 1 tqueue recv --to=b a
	err "queue b, which is stopped"
	exec 3</dev/tq/a
	gives 0 tqueue recv --fd=3
	out three
	gives 3 tqueue recv --fd=3 --all
	err "tqueue: a: no message"
	gives 9 tqueue recv --fd=3 --id=99999
	err "tqueue: a: no message 99999"
	exec 3<&-
}
