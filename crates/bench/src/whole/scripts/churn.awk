# Counts, splits and glues the words of a text.
{
    for (i = 1; i <= NF; i++) { seen[$i]++; where[$i] = where[$i] "," NR }
    count = split($0, letters, "a")
    total += count
    gsub(/[0-9]+/, "<&>")
    longest = length($0) > longest ? length($0) : longest
}
END {
    for (word in where) bytes += length(where[word])
    print length(seen), total, longest, bytes
}
