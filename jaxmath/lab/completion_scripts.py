"""The script of each shell, which asks `jaxmath complete` what the current word can become.

Words are inserted as text, quoted where the shell needs it, and never run.
"""

from __future__ import annotations

BASH = r"""# jaxmath completion for bash: put
#   eval "$(jaxmath completion bash)"
# into ~/.bashrc.
_jaxmath() {
    local line word said cut="" current rest
    line="${COMP_LINE:0:COMP_POINT}"
    current="${line##*[[:space:]]}"
    # Bash takes `=` and `:` for ends of words: what stands before them is there already.
    if [[ $current == *=* && $COMP_WORDBREAKS == *=* ]]; then cut="${current%"${current##*=}"}"; fi
    COMPREPLY=()
    while IFS=$'\t' read -r word said; do
        rest="${word#"$cut"}"
        case $rest in
            \~/*) COMPREPLY+=("~/$(printf %q "${rest:2}")") ;;
            *[!A-Za-z0-9_./=@%+,-]*) COMPREPLY+=("$(printf %q "$rest")") ;;
            *) COMPREPLY+=("$rest") ;;
        esac
    done < <("$1" complete --line "$line" 2>/dev/null)
    if [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *[=/] ]]; then compopt -o nospace; fi
}
complete -F _jaxmath jaxmath
"""

ZSH = r"""#compdef jaxmath
# jaxmath completion for zsh: put
#   eval "$(jaxmath completion zsh)"
# into ~/.zshrc, after compinit.
_jaxmath() {
    local line word said
    local -a open opened done ended
    while IFS=$'\t' read -r word said; do
        if [[ $word == *[=/] ]]; then
            open+=("$word"); opened+=("${word}${said:+  -- $said}")
        else
            done+=("$word"); ended+=("${word}${said:+  -- $said}")
        fi
    done < <("${words[1]}" complete "${(@Q)words[2,CURRENT]}" 2>/dev/null)
    (( $#open )) && compadd -l -S '' -d opened -a open
    (( $#done )) && compadd -l -d ended -a done
    return 0
}
compdef _jaxmath jaxmath
"""

FISH = r"""# jaxmath completion for fish: save it as ~/.config/fish/completions/jaxmath.fish.
function __jaxmath_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    $words[1] complete $words[2..-1] "$current" 2>/dev/null
end
complete -c jaxmath -f -a '(__jaxmath_complete)'
"""

SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}
