# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-only
# Completion of tqueue-bridge for bash.

_tqueue_bridge() {
	local word=${COMP_WORDS[COMP_CWORD]} file names=''
	COMPREPLY=()
	case ${COMP_WORDS[COMP_CWORD - 1]} in
	--file | -f)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$word")
		return
		;;
	esac
	for file in /etc/tqueue/bridges.d/*.conf; do
		[ ! -e "$file" ] || names+=" $(basename "$file" .conf)"
	done
	mapfile -t COMPREPLY < <(compgen -W "--check --once --file --help --usage --version$names" -- "$word")
}
complete -F _tqueue_bridge tqueue-bridge
