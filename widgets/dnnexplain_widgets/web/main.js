export { arrange, breakLines, cellAt, csvOf, gripAt, inPage, mount, number, snap, ticks };
