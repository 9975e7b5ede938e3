# SPDX-License-Identifier: BSD-2-Clause
# Verbs stand here; options are asked of pflask, and names of the running service.

_pflask_verbs="run attach exec shell list status show describe logs wait kill terminate poweroff reboot copy-to copy-from bind
        monitor"

# The options of a verb as they are typed, from the rows of its help: -x, --name, and --name= where more has to follow.
_pflask_options() {
        pflask "$@" --help 2>/dev/null | sed -n 'h; s/^  \(-.\) .*/\1/p; g; s/^  .. \(--[a-z-]*\)\[*\(=*\).*/\1\2/p'
}

# Does an option of a verb, by its name or its letter, have an argument?
_pflask_takes() {
        local option=$1
        shift
        pflask "$@" --help 2>/dev/null | grep -q -e "^  .. $option=" -e "^  $option --[a-z-]*="
}

# Of the place that the line names. A host is not asked: that would take its time, and perhaps a password.
_pflask_names() {
        [[ $place == --host=* ]] || pflask list $place --no-ask-password --no-legend 2>/dev/null |
                while read -r name _; do echo "$name"; done
}

_pflask_offer() {
        COMPREPLY=($(compgen -W "$*" -- "$cur"))
}

# An operand: the $n-th behind $verb.
_pflask_operand() {
        case $verb:$n in
        :* | run:*) COMPREPLY=($(compgen -c -- "$cur")) ;;
        list:* | monitor:*) ;;
        status:* | wait:* | kill:* | terminate:* | poweroff:* | reboot:* | *:0) _pflask_offer "$(_pflask_names)" ;;
        exec:* | shell:*) COMPREPLY=($(compgen -c -- "$cur")) ;;
        copy-to:* | copy-from:* | bind:*) COMPREPLY=($(compgen -f -- "$cur")) ;;
        esac
}

# The argument of $option.
_pflask_argument() {
        case $verb:$option in
        :--attach | :-a) _pflask_offer "$(_pflask_names)" ;;
        *:--chroot | *:-r | :--chdir | run:--chdir | :-c | run:-c) COMPREPLY=($(compgen -d -- "$cur")) ;;
        :--user | :-u | run:--user | run:-u) COMPREPLY=($(compgen -u -- "$cur")) ;;
        *:--signal | kill:-s | *:--stop-signal) COMPREPLY=($(compgen -A signal -- "SIG${cur#SIG}")) ;;
        *:--host | *:-H) COMPREPLY=($(compgen -A hostname -- "$cur")) ;;
        *:--machine | *:-M)
                _pflask_offer "$(machinectl list --no-legend 2>/dev/null | while read -r name _; do echo "$name"; done)"
                ;;
        *:--json) _pflask_offer short pretty off ;;
        *:--who) _pflask_offer leader all ;;
        *:--register) _pflask_offer auto yes no ;;
        *:--mount | *:-m) _pflask_offer bind: bind-ro: overlay: tmp: && compopt -o nospace ;;
        *:--netif) _pflask_offer macvlan: ipvlan: veth: && compopt -o nospace ;;
        :--property | run:--property)
                _pflask_offer MemoryMax= MemoryHigh= TasksMax= CPUWeight= CPUQuota= IOWeight= AllowedCPUs= &&
                        compopt -o nospace
                ;;
        esac
}

# Reads what stands before the word that is completed: the verb, how many operands follow it, where the manager is, and
# the option whose argument the word is. Bash cuts words at their equals signs.
_pflask_read_line() {
        local i word

        for ((i = 1; i < COMP_CWORD; i++)); do
                word=${COMP_WORDS[i]}
                if [[ $word == = ]]; then
                        continue
                elif [[ -n $option || ${COMP_WORDS[i - 1]} == = ]]; then
                        [[ $option == --machine || $option == -M ]] && place=--machine=$word
                        [[ $option == --host || $option == -H ]] && place=--host=$word
                        option=
                elif [[ $word == --direct ]]; then
                        place=$word
                elif [[ $word == -* ]]; then
                        if [[ ${COMP_WORDS[i + 1]} == = ]] || _pflask_takes "$word" $verb; then
                                option=$word
                        fi
                elif [[ -z $verb && $n -eq 0 && " ${_pflask_verbs//[[:space:]]/ } " == *" $word "* ]]; then
                        verb=$word
                else
                        n=$((n + 1))
                fi
        done
}

_pflask() {
        local cur=${COMP_WORDS[COMP_CWORD]} verb= n=0 place= option=

        COMPREPLY=()
        _pflask_read_line
        if [[ $cur == = ]]; then
                cur= option=${COMP_WORDS[COMP_CWORD - 1]}
        fi
        if [[ -n $option ]]; then
                _pflask_argument
        elif [[ $cur == -* ]]; then
                _pflask_offer "$(_pflask_options $verb)"
                [[ ${COMPREPLY-} == *= ]] && compopt -o nospace
        else
                # A command may stand where a verb may; there are too many to show before a letter of it is there.
                [[ -z $verb && $n -eq 0 && -z $cur ]] || _pflask_operand
                [[ -z $verb && $n -eq 0 ]] && COMPREPLY+=($(compgen -W "$_pflask_verbs" -- "$cur"))
        fi
        return 0
}

complete -F _pflask pflask
