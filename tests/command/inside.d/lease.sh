# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Tests of tests/command/inside: the work queue: recv --lease, ack, requeue, bury, extend, kick, delete, jobs.
# shellcheck disable=SC2317,SC2154,SC2034 # they are called by their names; what they use and set is there

# What a shell leases belongs to its own file, and goes back with that.
test_lease() {
	local job id
	tqueue create jobs
	tqueue send jobs one two three
	exec 3</dev/tq/jobs
	job=$(tqueue recv --lease --fd=3)
	id=${job%% *}
	is "the job" "${job#* }" one
	case $id in
	*[!0-9:]*) no "the id is '$id'" ;;
	esac
	is "leased and ready" "$(attribute jobs leased) $(attribute jobs messages)" "1 2"
	gives 0 tqueue ack --fd=3 "$id"
	is "leased and received" "$(attribute jobs leased) $(attribute jobs received)" "0 1"
	gives 9 tqueue ack --fd=3 "$id"
	err "tqueue: jobs: message ${id%:*}: this delivery is over" "tqueue jobs jobs"
	gives 9 tqueue ack jobs 99999:1
	err "tqueue: jobs: no message 99999" "tqueue jobs jobs"

	# Back to its place, for another attempt; and as if nothing had been.
	job=$(tqueue recv --lease --fd=3)
	gives 0 tqueue requeue jobs "${job%% *}"
	gives 0 tqueue peek --json jobs
	has out '"text":"two"' '"attempts":1'
	job=$(tqueue recv --lease --fd=3)
	gives 0 tqueue requeue --uncounted jobs "${job%% *}"
	gives 0 tqueue peek --json jobs
	has out '"attempts":1'
	job=$(tqueue recv --lease --fd=3)
	gives 0 tqueue requeue --fd=3 --delay=1h --priority=7 --code=75 "${job%% *}"
	gives 0 tqueue jobs --json --state=delayed jobs
	has out '"state":"delayed","reason":"worker","priority":7,"attempts":2,"code":75'

	# The formats.
	tqueue recv --all jobs >/dev/null
	tqueue send jobs $'a\nb' c
	tqueue recv --lease --raw --fd=3 >got
	{ IFS=: read -r id delivery; cat >rest; } <got
	printf 'a\nb' >wanted
	same rest wanted
	gives 0 tqueue ack jobs "$id:$delivery"
	gives 0 tqueue recv --lease --json --fd=3
	id=$(sed 's/.*"lease":"\([0-9:]*\)".*/\1/' out)
	has out "\"delivery\":${id#*:}"
	gives 0 tqueue requeue --uncounted jobs "$id"
	tqueue recv --lease --null --fd=3 | tr '\0' '\n' >got
	is "what follows the id" "$(tail -n 1 got)" c

	# With the file, everything goes back at once; so it does when the limit passes.
	is leased "$(attribute jobs leased)" 1
	exec 3<&-
	is leased "$(attribute jobs leased)" 0
	exec 3</dev/tq/jobs
	job=$(tqueue recv --lease --fd=3)
	gives 0 tqueue extend --fd=3 --limit=100ms "${job%% *}"
	gives 0 tqueue recv --timeout=30s jobs
	out c
	gives 9 tqueue ack --fd=3 "${job%% *}"
	tqueue send jobs d
	gives 0 tqueue recv --lease --limit=100ms --fd=3
	soon holds jobs 1
	exec 3<&-

	gives 2 tqueue recv --lease jobs
	err "--lease needs --fd" "exec 3< /dev/tq/jobs"
	gives 2 tqueue recv --fd=3 jobs
	gives 2 tqueue recv --limit=5s jobs
	gives 2 tqueue recv --lease --to=jobs --fd=3
	gives 1 tqueue recv --lease --fd=9
	err "--fd=9: no such open file" "exec 9< /dev/tq/QUEUE"
	gives 1 tqueue recv --lease --fd=3 3</dev/null
	err "--fd=3: not a tqueue queue"
	gives 1 tqueue ack --fd=3 1:1 3>/dev/tq/jobs
	err "tqueue: jobs: --fd=3: not open for reading"
	gives 2 tqueue ack jobs one
	err "'one': expected the id of a message"
	gives 2 tqueue extend jobs 1
	err "ID:DELIVERY"
	gives 2 tqueue requeue --uncounted jobs 1
	err "only deliveries are counted"
	gives 2 tqueue requeue --code=x jobs 1:1
	exec 3</dev/tq/jobs
	gives 1 sh -c 'tqueue recv --lease --fd=3 >/dev/tq/jobs'
	exec 3<&-

	# As many as may be leased.
	tqueue set jobs --max-leased=1
	tqueue send jobs e
	exec 3</dev/tq/jobs
	gives 0 tqueue recv --lease --fd=3
	gives 3 tqueue recv --lease --fd=3
	err "tqueue: jobs: all 1 leases of the queue are taken" "--max-leased"
	exec 3<&-
}

# The worker of README.md, as it is printed there.
test_readme_worker() {
	local worker
	tqueue create mail --max-attempts=2
	sed -n '/^    exec 3< \/dev\/tq\/mail$/,/^    done$/s/^    //p' /guest/README.md >script
	is "lines of the worker" "$(wc -l <script)" 9
	# It delivers what has no "bad" in it, and is slow with what is slow.
	cat >deliver <<-'END'
		#!/bin/sh
		case $1 in
		slow) echo $$ >begun; exec sleep 1000 ;;
		bad*) exit 1 ;;
		esac
		echo "$1" >>delivered
	END
	chmod +x deliver
	# What comes back is to come after the slow one, however slow this machine is.
	sed -i 's/--delay=[0-9a-z]*/--delay=1h/' script
	tqueue send mail "first letter" "bad one" slow last
	PATH=$work:$PATH bash script 2>said &
	worker=$!
	soon test -s begun
	is "delivered before it is killed" "$(cat delivered)" "first letter"
	is leased "$(attribute mail leased)" 1
	kill -KILL "$worker"
	wait "$worker" 2>/dev/null
	# The job goes on, and has the lease; with its end the message is back.
	is leased "$(attribute mail leased)" 1
	kill -KILL "$(cat begun)"
	soon holds mail 2
	gives 0 tqueue kick --delayed mail
	out 1
	sed -i 's/slow) .*;;/slow) ;;/' deliver
	tqueue stop mail
	PATH=$work:$PATH bash script 2>said
	is "delivered after that" "$(sort delivered | tr '\n' ' ')" "first letter last slow "
	gives 0 tqueue jobs --no-header mail
	is "what is buried" "$(awk '{ print $2, $6, $9 }' out)" "buried 2 attempts"
}

# A receiver that is killed in the middle loses nothing, wherever it writes to.
test_killed_lease() {
	local round reader
	tqueue create jobs --size=16M
	tqueue create b --size=64M
	seq 50000 >wanted
	for output in file queue pipe; do
		tqueue send --lines --file=wanted jobs
		: >all
		for ((round = 0; round < 6; round++)); do
			case $output in
			file) tqueue recv --follow jobs >got & ;;
			queue) tqueue recv --follow --to=b jobs & ;;
			pipe) tqueue recv --follow jobs > >(cat >got) & ;;
			esac
			reader=$!
			sleep "0.0$((RANDOM % 10))"
			kill -KILL "$reader"
			{ wait "$reader"; } 2>/dev/null
			sleep 0.1
			cat got >>all
			: >got
		done
		tqueue recv --all jobs >>all 2>/dev/null
		[ "$output" != queue ] || tqueue recv --all b >>all
		# It may have been written, and not yet acknowledged: then it comes again. A torn line is no loss either.
		awk 'NR == FNR { sent[$0]; next } !($0 in sent)' wanted all >odd
		[ "$(wc -l <odd)" -le 12 ] || no "$(wc -l <odd) lines are odd: $(head -n 3 odd)"
		awk 'NR == FNR { sent[$0]; next } $0 in sent' wanted all | sort -n -u >sorted
		same sorted wanted
		is "what is left of $output" "$(attribute jobs messages) $(attribute jobs leased)" "0 0"
	done
}

test_jobs() {
	local job id
	tqueue create jobs
	gives 0 tqueue jobs jobs
	is lines "$(wc -l <out)" 1
	gives 0 tqueue jobs --no-header jobs
	out ""
	tqueue send jobs one
	tqueue send -p 5 --delay=1h --unique=k jobs two
	tqueue send jobs three four
	exec 3</dev/tq/jobs
	job=$(tqueue recv --lease --limit=1h --fd=3)
	id=${job%% *}
	gives 0 tqueue bury --code=-9 jobs "$(tqueue jobs --no-header --state=ready jobs | awk 'NR == 1 { print $1 }')"
	gives 0 tqueue jobs jobs
	is states "$(awk '{ print $2 }' out | xargs)" "STATE leased delayed buried ready"
	is "widths of lines" "$(awk '{ print length }' out | sort -u)" 75
	has out " -9"
	gives 0 tqueue jobs --json jobs
	is lines "$(wc -l <out)" 4
	has out "{\"id\":${id%:*},\"state\":\"leased\",\"reason\":\"sent\",\"priority\":0,\"attempts\":0,\"code\":0,\"length\":3,\"time\":\"20" \
		"\"delivery\":${id#*:},\"lease\":\"$id\",\"begun\":true}" '"state":"delayed"' '"due":"20' '"key":"af63e64c8601fd8a"}' \
		'"state":"buried","reason":"forced","priority":0,"attempts":0,"code":-9,"length":5'
	gives 0 tqueue jobs --no-header --state=buried,ready jobs
	is states "$(awk '{ print $2 }' out | xargs)" "buried ready"
	gives 0 tqueue jobs -s delayed --no-header jobs
	is lines "$(wc -l <out)" 1
	gives 2 tqueue jobs --state=lost jobs
	err "'lost'" "ready, leased, delayed, buried or in-flight"
	gives 2 tqueue jobs --state= jobs
	gives 5 tqueue jobs nothing
	exec 3<&-
	# More than one page, in order, each once.
	seq 1000 | tqueue send --lines jobs
	tqueue jobs --no-header jobs | awk '{ print $1 }' >ids
	is lines "$(wc -l <ids)" 1004
	sort -n -u ids >sorted
	same ids sorted
	# Nobody is a reader by that.
	is readers "$(attribute jobs readers)" 0
}

# One message by its id, whatever its state.
test_by_id() {
	local job id
	tqueue create jobs
	tqueue send jobs one two three four
	mapfile -t ids < <(tqueue jobs --no-header jobs | awk '{ print $1 }')
	gives 0 tqueue peek --id="${ids[1]}" jobs
	out two
	gives 0 tqueue recv --id="${ids[1]}" jobs
	out two
	for command in peek recv; do
		gives 9 tqueue "$command" --id="${ids[1]}" jobs
		err "tqueue: jobs: no message ${ids[1]}" "tqueue jobs jobs"
	done
	exec 3</dev/tq/jobs
	job=$(tqueue recv --lease --id="${ids[2]}" --fd=3)
	is "the job" "${job#* }" three
	gives 9 tqueue recv --id="${ids[2]}" jobs
	err "message ${ids[2]} is leased" "--force"
	gives 9 tqueue delete jobs "${ids[2]}"
	err "message ${ids[2]} is leased"
	gives 0 tqueue delete jobs "${ids[0]}"
	gives 9 tqueue delete jobs "${ids[0]}" "${ids[3]}"
	err "no message ${ids[0]}"
	is messages "$(attribute jobs messages)" 0
	# By force, if the user is permitted to.
	tqueue set jobs --mode=0666
	gives 1 as_nobody tqueue requeue --force jobs "${ids[2]}"
	err "only the owner of the queue and root"
	gives 0 tqueue extend --force --limit=1h jobs "${ids[2]}"
	gives 0 tqueue requeue --force jobs "${ids[2]}"
	gives 9 tqueue ack --fd=3 "${job%% *}"
	gives 9 tqueue delete --force jobs "${ids[2]}"
	gives 0 tqueue delete jobs "${ids[2]}"
	exec 3<&-
	gives 2 tqueue recv --id=0 jobs
	gives 2 tqueue recv --id=5 --all jobs
	gives 2 tqueue peek --id=5 --count=2 jobs
}

test_bury_and_kick() {
	local job
	tqueue create jobs --max-attempts=1
	tqueue send jobs one two
	tqueue send --unique=k jobs three
	tqueue send --delay=1h jobs later
	mapfile -t ids < <(tqueue jobs --no-header jobs | awk '{ print $1 }')
	exec 3</dev/tq/jobs
	job=$(tqueue recv --lease --fd=3)
	gives 0 tqueue requeue jobs "${job%% *}"
	err "message ${ids[0]} was buried: this was its last attempt" "tqueue kick jobs"
	gives 0 tqueue bury jobs "${ids[1]}" "${ids[2]}"
	gives 3 tqueue recv --all jobs
	gives 0 tqueue list
	is "the row" "$(awk '$1 == "jobs" { print $3, $4, $5, $6 }' out)" "0 0 1 3"
	gives 0 tqueue kick jobs 1
	out 1
	gives 0 tqueue recv --json jobs
	has out "\"id\":${ids[0]}," '"attempts":0'
	gives 0 tqueue kick --id="${ids[1]}" jobs
	gives 0 tqueue recv jobs
	out two
	# Another one has its key by now.
	tqueue send --unique=k jobs four
	gives 10 tqueue kick jobs
	out 0
	err "1 stays buried" "tqueue jobs jobs"
	gives 10 tqueue kick --id="${ids[2]}" jobs
	tqueue recv jobs >/dev/null
	gives 0 tqueue kick jobs
	out 1
	gives 0 tqueue recv jobs
	out three
	gives 0 tqueue kick --delayed jobs
	out 1
	gives 0 tqueue recv jobs
	out later
	gives 9 tqueue kick --id=99999 jobs
	gives 2 tqueue kick jobs none
	gives 2 tqueue kick --id=5 --delayed jobs
	exec 3<&-
	# No more can be buried, and the command reports that.
	tqueue set jobs --max-buried=64
	tqueue send jobs 0123456789012345678901234567890123456789
	gives 0 tqueue bury jobs "$(tqueue jobs --no-header jobs | awk '{ print $1 }')"
	err "is delayed by an hour" "--max-buried"
}
