# completion.zsh SCRIPT: runs SCRIPT as zsh's completion system does, and looks at what it hands over to that system:
# _describe and _arguments are stood in for by functions that say what they were given.
failed=0 said=()
_describe() { said=(${(P)2}) }
_arguments() { said=("$@") }
compdef() { : }
source $1

# offers TEXT WORD…: one of the specifications for this command line is TEXT; the last word is being typed.
offers() {
  local text=$1
  shift
  words=(ringcast "$@") CURRENT=$(( $# + 1 )) said=()
  _ringcast
  (( ${said[(Ie)$text]} )) && return
  print -r -- "completion.zsh: ringcast $*: no \"$text\" in:"
  print -rl -- $said
  failed=1
}

offers 'serve:run the broker' ''
offers '--io=[auto is io_uring, or epoll where the kernel or a seccomp profile refuses it]:auto|uring|epoll:(auto uring epoll)' serve ''
offers '--config=[TOML file to read; its keys are these names without the dashes in front]:FILE:_files' serve ''
offers '--binary[publish as binary; lines that are not UTF-8 need it]' pub ''
offers '*:bash|zsh|fish:(bash zsh fish)' completion ''
offers '*:FILE:_files' check-config ''
exit $failed
