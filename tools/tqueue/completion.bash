# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of the command tqueue for bash.

# The names of all queues, which every user can list.
_tqueue_queues() {
	local queue
	for queue in /sys/class/tqueue/*; do
		[ ! -e "$queue" ] || echo "${queue##*/}"
	done
}

# The names of the queues that have a file.
_tqueue_files() {
	local file
	for file in /{etc,run,usr/lib}/tqueue/queues.d/*.conf; do
		[ ! -e "$file" ] || basename "$file" .conf
	done
}

# _tqueue_among WORDS: completes the current word to one of these.
_tqueue_among() {
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$word")
}

# _tqueue_plain WORD...: prints the words that are not options.
_tqueue_plain() {
	local plain
	for plain; do
		[ "${plain#-}" != "$plain" ] || echo "$plain"
	done
}

_tqueue() {
	local settings='--size= --max-message= --overflow= --end-of-file= --no-reader= --ttl= --on-expired= --max-attempts= --on-exhausted='
	settings+=' --lease-limit= --max-leased= --max-buried= --unique= --owner= --group= --mode='
	local formats='--lines --null --raw --json'
	local common='--help --usage --version'
	local commands='create remove list show stats doctor top set send recv peek run jobs ack requeue bury extend kick delete pause resume stop start wait drain apply'
	local word=${COMP_WORDS[COMP_CWORD]} command='' option='' words queues i
	COMPREPLY=()

	# A command follows two dashes.
	if [ "${COMP_WORDS[1]}" = run ]; then
		for ((i = 2; i < COMP_CWORD; i++)); do
			[ "${COMP_WORDS[i]}" = -- ] || continue
			compopt -o filenames
			if [ $((i + 1)) = "$COMP_CWORD" ]; then
				mapfile -t COMPREPLY < <(compgen -c -- "$word")
			else
				mapfile -t COMPREPLY < <(compgen -f -- "$word")
			fi
			return
		done
	fi

	# The shell splits --option=value into three words.
	if [ "$word" = = ]; then
		option=${COMP_WORDS[COMP_CWORD - 1]} word=''
	elif [ "$COMP_CWORD" -ge 2 ] && [ "${COMP_WORDS[COMP_CWORD - 1]}" = = ]; then
		option=${COMP_WORDS[COMP_CWORD - 2]}
	else
		option=${COMP_WORDS[COMP_CWORD - 1]}
	fi
	case $option in
	--overflow) _tqueue_among 'block reject drop-oldest' ;;
	--end-of-file) _tqueue_among 'never last-writer' ;;
	--no-reader) _tqueue_among 'keep error' ;;
	--on-expired | --on-exhausted) _tqueue_among 'bury drop' ;;
	--unique) [ "${COMP_WORDS[1]}" = send ] || _tqueue_among 'user queue' ;;
	--ttl | --lease-limit | --limit | --age) _tqueue_among '30s 10min 1h infinity' ;;
	--delay | -d | --defer-delay | --retry-delay | --retry-delay-max) _tqueue_among '10s 5min 1h' ;;
	--kill-after | --drain-timeout) _tqueue_among '10s 1min 5min infinity' ;;
	--jobs | -j) _tqueue_among '0 1 2 4 8' ;;
	--rate) _tqueue_among '1/s 10/s 100/min 100/h' ;;
	--stop-on-failure) _tqueue_among '0 1 20' ;;
	--done-on | --retry-on | --bury-on) _tqueue_among '0 1 75 124' ;;
	--replace | -I) _tqueue_among '{}' ;;
	--max-attempts) _tqueue_among '1 3 16 infinity' ;;
	--interval | -i) _tqueue_among '1s 5s 1min' ;;
	--sort) _tqueue_among 'name fill ready leased delayed buried in out oldest readers' ;;
	--state | -s) _tqueue_among 'ready leased delayed buried in-flight' ;;
	--fields) _tqueue_among 'priority delay key priority,delay,key' ;;
	--to) _tqueue_among "$(_tqueue_queues)" ;;
	--owner) mapfile -t COMPREPLY < <(compgen -u -- "$word") ;;
	--group) mapfile -t COMPREPLY < <(compgen -g -- "$word") ;;
	--mode) _tqueue_among '0600 0660 0666 0620 0640' ;;
	--size) _tqueue_among '64K 1M 2M 16M 64M' ;;
	--timeout | -t) _tqueue_among '0 200ms 1s 5s 1min infinity' ;;
	--file | -f)
		if [ "${COMP_WORDS[1]}" = send ]; then
			compopt -o filenames
			mapfile -t COMPREPLY < <(compgen -f -- "$word")
		fi
		;;
	--defer)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		;;
	--max-message | --count | -c | --priority | -p | --id | --fd | --code | --filter | --max-leased | --max-buried) return ;;
	esac
	[ ${#COMPREPLY[@]} = 0 ] || return
	# A key can be any text.
	[ "$option ${COMP_WORDS[1]}" != '--unique send' ] || return

	for ((i = 1; i < COMP_CWORD; i++)); do
		case ${COMP_WORDS[i]} in
		-*) ;;
		help) [ "$i" != 1 ] || command=help ;;
		*)
			command=${COMP_WORDS[i]}
			break
			;;
		esac
	done
	queues=$(_tqueue_queues)
	# Commands that take one queue take no second one.
	for ((i++; i < COMP_CWORD; i++)); do
		case "$command ${COMP_WORDS[i]}" in
		*' --timeout' | *' -t' | *' --count' | *' -c' | 'send --file' | 'send -f' | *' --id' | *' --fd' | *' --to' | *' --limit' | *' --age' | *' --interval' | *' -i' | *' --sort' | *' --filter' | \
			*' --delay' | *' -d' | *' --priority' | *' --unique' | *' --fields' | *' --state' | *' -s' | *' --code' | 'send -u' | \
			'send -p' | 'requeue -p' | 'bury -p')
			[ "${COMP_WORDS[i + 1]}" != = ] || i=$((i + 1))
			i=$((i + 1))
			;;
		*' -'*) ;;
		'send '* | 'recv '* | 'top '* | 'peek '* | 'drain '* | 'jobs '* | 'kick '* | 'ack '* | 'requeue '* | 'bury '* | 'extend '* | 'delete '*)
			queues=''
			;;
		esac
	done
	case $command in
	'') words="$commands help" ;;
	help) words=$commands ;;
	create) words="$settings --like-pipe --persist" ;;
	set) words="$settings --persist $queues" ;;
	remove) words="--force --persist $queues" ;;
	list) words='--json --no-header' ;;
	show) words="--json $queues" ;;
	doctor) words="--age= --json $queues" ;;
	top) words="--interval= --sort= --filter= --no-color $queues" ;;
	stats) words="--json --prometheus --histograms --no-header $queues" ;;
	send)
		words="--lines --null --file= --newline --priority= --delay= --unique= --unsettled --fields= --wait --timeout= --progress"
		words+=" --no-progress $queues"
		;;
	recv)
		words="--count= --all --follow --id= --to= --lease --limit= --fd= --timeout= $formats --progress --no-progress $queues"
		;;
	peek) words="--count= --all --id= --timeout= $formats $queues" ;;
	run)
		words="--jobs= --replace= --all --count= --rate= --dry-run --timeout= --kill-after= --drain-timeout= --no-inherit"
		words+=" --done-on= --retry-on= --bury-on= --retry-delay= --retry-delay-max= --defer-delay= --stop-on-failure="
		words+=" --tag --group --quiet --progress --no-progress -- $queues"
		;;
	jobs) words="--state= --json --no-header $queues" ;;
	ack) words="--fd= --force $queues" ;;
	requeue) words="--fd= --delay= --priority= --uncounted --code= --force $queues" ;;
	bury) words="--fd= --priority= --code= --force $queues" ;;
	extend) words="--fd= --limit= --force $queues" ;;
	delete) words="--force $queues" ;;
	kick) words="--id= --delayed $queues" ;;
	drain) words="--discard --timeout= $formats --progress --no-progress $queues" ;;
	wait) words="--timeout= $queues" ;;
	start | stop | pause | resume) words=$queues ;;
	apply) words="--defer= $(_tqueue_files)" ;;
	*) return ;;
	esac
	case $word in
	-*) _tqueue_among "$words $common" ;;
	*)
		# shellcheck disable=SC2086 # one word each
		_tqueue_among "$(_tqueue_plain $words)"
		;;
	esac
	# After an option that takes a value, the value follows without a space.
	if [ ${#COMPREPLY[@]} = 1 ] && [ "${COMPREPLY[0]%=}" != "${COMPREPLY[0]}" ]; then
		compopt -o nospace
	fi
}
complete -F _tqueue tqueue
