# Named steps: each is run, timed and remembered; the list at the end tells how each of them went. To be sourced.

declare -a lines=()
passed=0 failed=0 skipped=0
chosen=" $* "

# Why a step cannot run; what a step's function sets before it returns 77.
missing=""

# step NAME WHAT FUNCTION [optional]: runs FUNCTION in this shell, without a standard input. 77 is "cannot run here", which
# fails in CI: a gate that skips is none. What is `optional` may be skipped there too.
step() {
    local name=$1 what=$2 function=$3 began=$SECONDS status word
    [ "$chosen" = "  " ] || [[ $chosen == *" $name "* ]] || return 0
    printf '\n== %s: %s ==\n' "$name" "$what"
    missing=""
    "$function" </dev/null
    status=$?
    if [ $status = 0 ]; then
        word=passed passed=$((passed + 1))
    elif [ $status = 77 ] && { [ "${CI:-}" != true ] || [ "${4:-}" = optional ]; }; then
        word=skipped skipped=$((skipped + 1))
        printf 'skipped: %s\n' "$missing"
    else
        word=failed failed=$((failed + 1))
        [ -z "$missing" ] || printf 'failed: %s\n' "$missing"
    fi
    lines+=("$(printf '%-8s %4d s  %-9s %s' "$word" $((SECONDS - began)) "$name" "$what${missing:+ ($missing)}")")
}

# The list, and 1 when a step failed or none was run.
finish() {
    printf '\n== summary ==\n'
    [ ${#lines[@]} = 0 ] || printf '%s\n' "${lines[@]}"
    printf '%d steps passed, %d failed, %d skipped in %d s\n' $passed $failed $skipped $SECONDS
    [ $failed = 0 ] && [ ${#lines[@]} != 0 ]
}
