-- Tables, closures and strings, collected again and again.
local seed = 1
local function dice(limit)
  seed = (seed * 1103515245 + 12345) % 2147483648
  return seed // 65536 % limit
end
local function tree(depth)
  if depth == 0 then return { name = "leaf" .. dice(1000) } end
  return { tree(depth - 1), tree(depth - 1), size = depth }
end
local function count(node)
  if not node.size then return #node.name end
  return count(node[1]) + count(node[2])
end
for round = 1, 2 do
  local total = count(tree(15))
  local map = {}
  for i = 1, 100000 do
    local key = "key" .. dice(30000)
    map[key] = (map[key] or "") .. string.char(97 + i % 26)
  end
  local parts = {}
  for key, text in pairs(map) do parts[#parts + 1] = key .. "=" .. text:rep(2) end
  table.sort(parts)
  print(total, #parts, #table.concat(parts, ";"):gsub("key", "k"))
end
