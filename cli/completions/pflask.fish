# SPDX-License-Identifier: BSD-2-Clause
# Verbs stand here; options are asked of pflask, and names of the running service.

set -g __pflask_verbs run attach exec shell list status show describe logs wait kill terminate poweroff reboot copy-to copy-from bind monitor

# Does an option of a verb, by its name or its letter, have an argument?
function __pflask_takes
        pflask $argv[2..] --help 2>/dev/null | string match -qr -- "^  .. $argv[1]=|^  $argv[1] --[a-z-]*="
end

# The verb, and the words behind it that are no options, before the one that is completed.
function __pflask_words
        set -l words (commandline -opc)
        set -l skips no
        set -l verb
        for word in $words[2..]
                if test $skips = yes
                        set skips no
                else if string match -q -- '-*' $word
                        __pflask_takes $word $verb; and set skips yes
                else
                        test -z "$verb"; and contains -- $word $__pflask_verbs; and set verb $word
                        echo $word
                end
        end
end

function __pflask_verb
        set -l words (__pflask_words)
        contains -- "$words[1]" $__pflask_verbs; and echo $words[1]
end

function __pflask_is
        contains -- (__pflask_verb) $argv
end

# Is this the first operand of one of these verbs?
function __pflask_first
        test (count (__pflask_words)) -eq 1; and __pflask_is $argv
end

function __pflask_makes
        __pflask_is run; or test -z (__pflask_verb)
end

# Of the place that the line names. A host is not asked: that would take its time, and perhaps a password.
function __pflask_names
        set -l place (commandline -opc | string match -r -- '^--(?:direct|machine=.*)$')
        commandline -opc | string match -qr -- '^(-H|--host)'; and return
        pflask list $place --no-ask-password --no-legend 2>/dev/null | string replace -r ' .*' ''
end

function __pflask_machines
        machinectl list --no-legend 2>/dev/null | string replace -r ' .*' ''
end

# The rows of the help: of each option its name and its letter.
function __pflask_options
        set -l help (pflask (__pflask_verb) --help 2>/dev/null)
        string replace -rf '^  (-.) \S*\s*(.*)' '$1\t$2' -- $help
        string replace -rf '^  .. (--[a-z-]+)\S*\s*(.*)' '$1\t$2' -- $help
end

complete -c pflask -f
complete -c pflask -n 'test (count (__pflask_words)) -eq 0' -a "$__pflask_verbs"
complete -c pflask -n __pflask_makes -a '(__fish_complete_command)'
complete -c pflask -n 'string match -q -- "-*" (commandline -ct)' -a '(__pflask_options)'
complete -c pflask -n '__pflask_is status wait kill terminate poweroff reboot' -a '(__pflask_names)'
complete -c pflask -n '__pflask_first attach exec shell show describe logs copy-to copy-from bind' -a '(__pflask_names)'
complete -c pflask -n '__pflask_is copy-to copy-from bind' -F
complete -c pflask -n __pflask_makes -s a -l attach -x -a '(__pflask_names)'
complete -c pflask -n __pflask_makes -s r -l chroot -x -a '(__fish_complete_directories)'
complete -c pflask -n __pflask_makes -s u -l user -x -a '(__fish_complete_users)'
complete -c pflask -n __pflask_makes -l register -x -a 'auto yes no'
complete -c pflask -n 'test -n (__pflask_verb)' -s H -l host -x -a '(__fish_print_hostnames)'
complete -c pflask -n 'test -n (__pflask_verb)' -s M -l machine -x -a '(__pflask_machines)'
complete -c pflask -n '__pflask_is list status show describe monitor wait' -l json -x -a 'short pretty off'
complete -c pflask -n '__pflask_is kill' -l who -x -a 'leader all'
complete -c pflask -n '__pflask_is kill' -s s -l signal -x -a 'TERM KILL INT HUP QUIT USR1 USR2 STOP CONT'
