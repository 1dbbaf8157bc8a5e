group_by(.group) | map({group: .[0].group, names: map(.name) | sort, total: map(.values | add) | add,
  tags: map(.tags[]) | unique}) | map(.names |= map(ascii_upcase)) | (tostring | length), length
