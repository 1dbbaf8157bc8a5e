# Hashes of arrays, string building, splitting, sorting and substitution.
use strict;
use warnings;
my $seed = 1;
sub dice { $seed = ($seed * 1103515245 + 12345) % 2147483648; return int($seed / 65536) % $_[0]; }
for my $round (1 .. 2) {
    my %seen;
    for my $i (1 .. 60000) {
        push @{ $seen{ "key" . dice(10000) } }, "value $i " . ("x" x dice(40));
    }
    my @sorted = sort { @{ $seen{$b} } <=> @{ $seen{$a} } || $a cmp $b } keys %seen;
    my $text = join ",", map { join " ", @{ $seen{$_} } } @sorted[ 0 .. 4999 ];
    my @parts = split /[, ]/, $text;
    ( my $changed = $text ) =~ s/value (\d+)/<$1>/g;
    delete $seen{$_} for @sorted[ 0 .. 7000 ];
    print scalar(@parts), " ", length($changed), " ", scalar( keys %seen ), "\n";
}
