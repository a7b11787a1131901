# completion.fish SCRIPT: asks fish what it completes with SCRIPT.
source $argv[1]
set -g failed 0

function completes
    set -l actual (complete -C "ringcast $argv[2]" | string replace -r '\t.*' '' | string join ' ')
    if test "$actual" != "$argv[1]"
        echo "completion.fish: ringcast $argv[2]: completed \"$actual\", not \"$argv[1]\""
        set -g failed 1
    end
end

completes serve se
completes 'auto epoll uring' 'serve --io '
completes --io=uring 'serve --io=u'
completes --memory-budget 'serve --memory'
completes '--latency --latest' 'sub --late'
completes '' 'pub --late'
completes 'bash fish zsh' 'completion '
completes check-config 'help ch'
exit $failed
