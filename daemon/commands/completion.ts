/** `weir completion`: a script by which bash completes the commands and their options. Made of the commands themselves. */
import type { Command } from 'commander';
import { print } from './terminal.ts';

/** 0: printed. */
export function completion(program: Command): number {
  print(completionScript(program));
  return 0;
}

/** Files are completed wherever nothing else is known. */
export function completionScript(program: Command): string {
  const cases = program.commands.map((command) => {
    const words = [...optionsOf(command), ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices)];
    return `    ${command.name()}) words='${words.join(' ')}' ;;`;
  });
  const values = program.commands.flatMap((command) =>
    command.options.flatMap(({ long, argChoices }) =>
      argChoices === undefined ? [] : [`    ${command.name()},${long}) words='${argChoices.join(' ')}' ;;`],
    ),
  );
  const names = ['help', ...program.commands.map((command) => command.name())];
  return [
    '# bash completion of weir; as a user: weir completion > ~/.local/share/bash-completion/completions/weir',
    '_weir() {',
    '  local word=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]} command=${COMP_WORDS[1]} words=',
    '  if ((COMP_CWORD == 1)); then',
    `    COMPREPLY=($(compgen -W '${[...names, ...optionsOf(program)].join(' ')}' -- "$word"))`,
    '    return',
    '  fi',
    '  case $command,$before in',
    ...values,
    '  esac',
    '  if [[ -n $words ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); return; fi',
    '  case $command in',
    ...cases,
    '  esac',
    '  COMPREPLY=()',
    '  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W "$words" -- "$word")); fi',
    '}',
    'complete -o default -F _weir weir',
  ].join('\n');
}

const optionsOf = (command: Command): string[] => [...command.options.flatMap(({ long }) => long ?? []), '--help'];
