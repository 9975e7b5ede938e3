# SPDX-License-Identifier: BSD-2-Clause
# Verbs stand here; options are asked of pflask, and names of the running service.

_pflask_verbs="run attach exec shell list status show describe logs wait kill terminate poweroff reboot copy-to copy-from bind
        monitor"

_pflask_options() {
        pflask "$@" --help 2>/dev/null | sed -n 's/^  \(-[^ ]*\)\{0,1\} *\(--[a-z-]*\)\{0,1\}\(\[\{0,1\}=\)\{0,1\}.*/\1 \2\3/p' |
                sed 's/\[=/=/'
}

_pflask_names() {
        pflask list --no-ask-password --no-legend 2>/dev/null | while read -r name rest; do echo "$name"; done
}

_pflask_word() {
        local verb=$1 n=$2 cur=$3

        case "$verb" in
        run | '')
                COMPREPLY=($(compgen -c -- "$cur"))
                ;;
        attach | show | describe | logs)
                [ "$n" -eq 0 ] && COMPREPLY=($(compgen -W "$(_pflask_names)" -- "$cur"))
                ;;
        status | wait | kill | terminate | poweroff | reboot)
                COMPREPLY=($(compgen -W "$(_pflask_names)" -- "$cur"))
                ;;
        exec | shell)
                if [ "$n" -eq 0 ]; then
                        COMPREPLY=($(compgen -W "$(_pflask_names)" -- "$cur"))
                else
                        COMPREPLY=($(compgen -c -- "$cur"))
                fi
                ;;
        copy-to | copy-from | bind)
                if [ "$n" -eq 0 ]; then
                        COMPREPLY=($(compgen -W "$(_pflask_names)" -- "$cur"))
                else
                        COMPREPLY=($(compgen -f -- "$cur"))
                fi
                ;;
        esac
}

# The argument of an option that stands before the word, or that is part of it behind its equals sign.
_pflask_argument() {
        local option=$1 cur=$2

        case "$option" in
        --attach | -a) COMPREPLY=($(compgen -W "$(_pflask_names)" -- "$cur")) ;;
        --chroot | -r | --chdir | -c) COMPREPLY=($(compgen -d -- "$cur")) ;;
        --user | -u) COMPREPLY=($(compgen -u -- "$cur")) ;;
        --signal | --stop-signal) COMPREPLY=($(compgen -A signal -- "SIG${cur#SIG}")) ;;
        --json) COMPREPLY=($(compgen -W "short pretty off" -- "$cur")) ;;
        --who) COMPREPLY=($(compgen -W "leader all" -- "$cur")) ;;
        --register) COMPREPLY=($(compgen -W "auto yes no" -- "$cur")) ;;
        --mount | -m) COMPREPLY=($(compgen -W "bind: bind-ro: overlay: tmp:" -- "$cur")) && compopt -o nospace ;;
        --netif) COMPREPLY=($(compgen -W "macvlan: ipvlan: veth:" -- "$cur")) && compopt -o nospace ;;
        *) return 1 ;;
        esac
}

_pflask() {
        local cur prev words cword word verb= n=0 i

        _init_completion -n =: || return
        for ((i = 1; i < cword; i++)); do
                word=${words[i]}
                if [[ $word == -* ]]; then
                        continue
                elif [ -z "$verb" ] && [ "$n" -eq 0 ] && [[ " ${_pflask_verbs//[[:space:]]/ } " == *" $word "* ]]; then
                        verb=$word
                else
                        n=$((n + 1))
                fi
        done
        if [[ $cur == --*=* ]]; then
                _pflask_argument "${cur%%=*}" "${cur#*=}"
                return
        fi
        _pflask_argument "$prev" "$cur" && return
        if [[ $cur == -* ]]; then
                COMPREPLY=($(compgen -W "$(_pflask_options $verb)" -- "$cur"))
                [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
                return
        fi
        if [ -n "$verb" ] || [ "$n" -gt 0 ] || [ -n "$cur" ]; then
                _pflask_word "$verb" "$n" "$cur"
        fi
        # A command may stand where a verb may; there are too many to show before a letter of it is there.
        if [ -z "$verb" ] && [ "$n" -eq 0 ]; then
                COMPREPLY+=($(compgen -W "$_pflask_verbs" -- "$cur"))
        fi
}

complete -F _pflask pflask
