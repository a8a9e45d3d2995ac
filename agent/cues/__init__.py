"""From replies to what is shown: tags, the rules of cue cards, the checklist, the summary."""
