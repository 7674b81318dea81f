package cli

import (
	"errors"
	"io"
	"strings"

	"github.com/urfave/cli/v2"

	"gorun/supervisor/ecosystem"
)

// printCommands print what other programs read: editors and shells.
func (c *commandLine) printCommands() []*cli.Command {
	return []*cli.Command{
		{Name: "schema", Usage: "print the JSON schema of ecosystem files, for editors", Category: "look", Action: c.act(func(*cli.Context) (int, error) {
			_, err := c.Out.Write(ecosystem.Schema())
			return 0, err
		})},
		{Name: "completion", Usage: "print a completion script for bash, zsh or fish", Category: "look", ArgsUsage: "SHELL", Action: c.act(c.completion)},
	}
}

// completionScripts complete the command line by asking gorun itself.
var completionScripts = map[string]string{
	"bash": `_gorun() {
  local IFS=$'\n'
  COMPREPLY=($(compgen -W "$("${COMP_WORDS[@]:0:COMP_CWORD}" --generate-bash-completion 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
}
complete -o default -F _gorun gorun
`,
	"zsh": `#compdef gorun
_gorun() {
  local -a words_there
  words_there=("${(@f)$("${words[@]:0:$((CURRENT-1))}" --generate-bash-completion 2>/dev/null)}")
  compadd -- $words_there || _files
}
compdef _gorun gorun
`,
	"fish": `complete -c gorun -a '(set -l words (commandline -opc); $words --generate-bash-completion 2>/dev/null)'
`,
}

func (c *commandLine) completion(args *cli.Context) (int, error) {
	script, found := completionScripts[args.Args().First()]
	if !found || args.NArg() != 1 {
		return codeUsage, errors.New("completion: name a shell: bash, zsh or fish")
	}
	_, err := io.WriteString(c.Out, strings.TrimLeft(script, "\n"))
	return 0, err
}
