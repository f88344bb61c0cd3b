package main

import (
	"bytes"
	"fmt"
	"strings"
)

const head = `onsale is licensed under the Apache License, Version 2.0 (file LICENSE).

The program holds works of others, under the licences below. This file is written by
"make notice"; a test holds it to the modules that the program is built of.
`

const rule = "\n================================================================================\n"

// generate returns NOTICE for a source tree: each licence once, under the names of what
// has it.
func generate(root string) ([]byte, error) {
	all, err := works(root)
	if err != nil {
		return nil, err
	}
	var texts []string
	names := map[string][]string{}
	for _, w := range all {
		text := tidy(w.licences)
		if names[text] == nil {
			texts = append(texts, text)
		}
		names[text] = append(names[text], w.name)
	}

	out := bytes.NewBufferString(head)
	for _, text := range texts {
		fmt.Fprintf(out, "%s\n%s\n\n%s", rule, strings.Join(names[text], "\n"), text)
	}
	return out.Bytes(), nil
}

// tidy makes texts alike that differ in the ends of their lines only.
func tidy(text string) string {
	lines := strings.Split(strings.ReplaceAll(text, "\r\n", "\n"), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " \t")
	}
	return strings.Trim(strings.Join(lines, "\n"), "\n") + "\n"
}
