<?xml version="1.0" encoding="UTF-8"?>
<tileset version="1.10" tiledversion="1.11.0" name="tiles" tilewidth="16" tileheight="16" tilecount="16" columns="8">
 <image source="tiles.png" width="128" height="32"/>
 <tile id="0">
  <properties>
   <property name="collision" value="solid"/>
  </properties>
 </tile>
 <tile id="1">
  <properties>
   <property name="collision" value="solid"/>
  </properties>
 </tile>
 <tile id="2">
  <properties>
   <property name="collision" value="solid"/>
  </properties>
 </tile>
 <tile id="3">
  <properties>
   <property name="collision" value="oneway"/>
  </properties>
 </tile>
 <tile id="4">
  <properties>
   <property name="collision" value="solid"/>
  </properties>
 </tile>
 <tile id="5">
  <properties>
   <property name="collision" value="solid"/>
  </properties>
 </tile>
 <tile id="7">
  <properties>
   <property name="collision" value="oneway"/>
  </properties>
 </tile>
 <tile id="14">
  <properties>
   <property name="collision" value="oneway"/>
  </properties>
 </tile>
</tileset>
