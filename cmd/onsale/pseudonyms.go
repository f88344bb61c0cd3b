package main

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"onsale/internal/pseudonym"
	"onsale/sequencer"
)

// readPseudonyms reads the keys under which buyers are known; nil without a file.
func (s *processSettings) readPseudonyms() (*pseudonym.Keys, error) {
	if s.PseudonymsFile == "" {
		return nil, nil
	}
	keys, err := pseudonym.Read(s.PseudonymsFile)
	if err != nil {
		return nil, fmt.Errorf("--pseudonyms-file: %w", err)
	}
	return keys, nil
}

// openPseudonyms reads them for who verifies tokens. They stay while the process runs: what it says
// to others of its keys, and which names it remembers of a token, must not part.
func (s *processSettings) openPseudonyms(log *slog.Logger) (*pseudonym.Keys, error) {
	keys, err := s.readPseudonyms()
	if err != nil {
		return nil, usage(err)
	}
	if keys != nil {
		log.Info("buyers are known by pseudonyms in sales that are created from now on", "keys", spellKeys(keys.IDs()))
	}
	s.Tokens.Config.Pseudonyms = keys
	return keys, nil
}

// spellKeys spells the ids of keys, as far as there are any.
func spellKeys[ID ~uint32](ids []ID) []string {
	words := []string{}
	for _, id := range ids {
		if id != 0 {
			words = append(words, sequencer.PseudonymKeyID(id).String())
		}
	}
	return words
}

// knownAs is by which name a user is known under a key.
type knownAs struct {
	User      string `json:"user"`
	Key       string `json:"key"`
	Pseudonym string `json:"pseudonym"`
}

// newPseudonym prints by which names users are known.
func newPseudonym(p *program) *cobra.Command {
	var file string
	c := &cobra.Command{Use: "pseudonym USER…", Short: "Say by which names users are known in what is written", Args: arguments(cobra.MinimumNArgs(1)),
		Long: `Prints for each user, and each key of the file, the pseudonym that log, journal, backups and
exports have in place of it: to find somebody in a file, or to answer who asks what is stored of
them. There is no way back from a pseudonym to a user.`,
		Example: "  onsale pseudonym alice --pseudonyms-file pseudonyms",
		RunE: func(_ *cobra.Command, users []string) error {
			if file == "" {
				return fmt.Errorf("%w: say with --pseudonyms-file which file the nodes and front-ends have", errUsage)
			}
			keys, err := pseudonym.Read(file)
			if err != nil {
				return err
			}
			var names []knownAs
			var rows [][]string
			for _, user := range users {
				for _, id := range keys.IDs() {
					is := knownAs{user, id.String(), string(keys.Of(id, []byte(user)))}
					names, rows = append(names, is), append(rows, []string{is.User, is.Key, is.Pseudonym})
				}
			}
			return p.show(names, []string{"user", "key", "pseudonym"}, rows)
		}}
	c.Flags().StringVar(&file, "pseudonyms-file", envOr("ONSALE_PSEUDONYMS_FILE", ""), "file with the keys, as the nodes have it")
	return c
}
