# SPDX-License-Identifier: BSD-2-Clause
# Verbs stand here; options are asked of pflask, and names of the running service.

set -g __pflask_verbs run attach exec shell list status show describe logs wait kill terminate poweroff reboot copy-to copy-from bind monitor

function __pflask_verb
        for word in (commandline -opc)[2..]
                string match -q -- '-*' $word; and continue
                echo $word
                return
        end
end

function __pflask_names
        pflask list --no-ask-password --no-legend 2>/dev/null | string replace -r ' .*' ''
end

function __pflask_options
        pflask (__pflask_verb) --help 2>/dev/null | string replace -rf '^  (?:-. |   )(--[a-z-]+)(\[?=\S*)?\s*(.*)' '$1\t$3'
end

function __pflask_makes
        contains -- (__pflask_verb) run; or not __fish_seen_subcommand_from $__pflask_verbs
end

complete -c pflask -f
complete -c pflask -n "not __fish_seen_subcommand_from $__pflask_verbs" -a "$__pflask_verbs"
complete -c pflask -n __pflask_makes -a '(__fish_complete_command)'
complete -c pflask -n 'string match -q -- "-*" (commandline -ct)' -a '(__pflask_options)'
complete -c pflask -n '__fish_seen_subcommand_from attach exec shell status show describe logs wait kill terminate poweroff reboot copy-to copy-from bind' -a '(__pflask_names)'
complete -c pflask -n '__fish_seen_subcommand_from copy-to copy-from bind' -F
complete -c pflask -n __pflask_makes -s a -l attach -x -a '(__pflask_names)'
complete -c pflask -n __pflask_makes -s r -l chroot -x -a '(__fish_complete_directories)'
complete -c pflask -n __pflask_makes -s u -l user -x -a '(__fish_complete_users)'
complete -c pflask -n __pflask_makes -l register -x -a 'auto yes no'
complete -c pflask -n '__fish_seen_subcommand_from list show describe monitor' -l json -x -a 'short pretty off'
complete -c pflask -n '__fish_seen_subcommand_from kill' -l who -x -a 'leader all'
